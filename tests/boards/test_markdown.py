"""The page of a board: everything that is measured, failed or missing, and nothing that a record could smuggle in."""

import re
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.boards import board_path, merge, render, to_markdown
from bench.errors import BenchError
from bench.results.record import Record

Make = Callable[..., Record]
pytestmark = pytest.mark.usefixtures("table")


def board(make: Make) -> list[Record]:
    values = {"regene": 250.0, "stic": 300.0, "real": 118.0, "replay": 90.0, "mean": 4137.0, "noise": 4025.0}
    rows = [
        make(entry=entry, metric=metric, seed=seed, value=value + seed)
        for entry, value in values.items() for seed in range(3) for metric in ("fd-lite0", "train-seconds")
    ]  # fmt: skip
    return [*rows, make(metric="fd-lite0/class 1", value=7.0), make(entry="stic", seed=3, status="timeout",
            reason="ran longer than 60 s")]  # fmt: skip


def tables(text: str) -> list[list[list[str]]]:
    """Every table as rows of cells."""
    blocks = [block.splitlines() for block in text.split("\n\n") if block.startswith("|")]
    return [[re.split(r"(?<!\\)\|", line)[1:-1] for line in block] for block in blocks]


def test_the_board_of_a_data_set_as_a_person_reads_it(make: Make) -> None:
    main, ranks, cost, parts = tables(to_markdown(board(make), "sprites"))
    assert [cell.strip() for cell in main[0]] == ["method", "fd-lite0 ↓"]
    assert [row[0].strip() for row in main[2:]] == [
        "regene", "stic", "**anchors**", "*real*", "*replay*", "*mean*", "*noise*",
    ]  # fmt: skip
    assert main[2][1].strip() == "251.0 ± 1.0 (3 seeds)"
    assert main[3][1].strip() == "301.0 ± 1.0 (3 seeds) 1 failed [1]"
    assert [[cell.strip() for cell in row[:2]] for row in ranks[2:]] == [["regene", "1.00"], ["stic", "2.00"]]
    assert [cell.strip() for cell in cost[0]] == ["method", "device", "train-seconds (s) ↓"]
    assert [cell.strip() for cell in parts[2]] == ["class 1", "7 (1 seed)"]


def test_the_page_says_under_what_conditions(make: Make) -> None:
    text = to_markdown(board(make), "sprites")
    for words in ("# sprites", "## Budget quick · CPU · judge resnet&#64;22", "**guide** small&#64;11",
                  "**device** Some CPU, 2 threads, bfloat16", "**seeds** 0, 1, 2, 3", "**n** 2,000",
                  "**training images** 60,000", "protocol fd-lite0:n=2000:v1; n = 2,000", "Frechet distance",
                  "[sprites.csv](sprites.csv)", "classifier-bench 0.1.0"):  # fmt: skip
        assert words in text, words


def test_a_failure_names_entry_seed_and_reason(make: Make) -> None:
    assert "- [1] stic, seed 3, fd-lite0: timeout: ran longer than 60 s" in to_markdown(board(make), "sprites")


def test_one_reason_is_one_note_for_all_metrics_of_a_seed(make: Make) -> None:
    rows = [make(metric=metric, status="failed", reason="nan") for metric in ("fd-lite0", "class-agreement")]
    text = to_markdown(rows, "sprites")
    assert "- [1] regene, seed 0, class-agreement, fd-lite0: failed: nan" in text
    assert "[2]" not in text


def test_a_line_names_its_settings_and_its_guide_and_device_where_there_are_several(make: Make) -> None:
    rows = [make(settings="n=5"), make(guide="other@3"), make(entry="stic", device="B, 4 threads, float32")]
    text = to_markdown(rows, "sprites")
    assert [row[0].strip() for row in tables(text)[0][2:]] == [
        "regene (guide 1) (device 2)", "regene \\[n=5\\] (guide 2) (device 2)",
        "stic (guide 2) (device 1)",
    ]  # fmt: skip
    assert "**guide 1** other&#64;3" in text
    assert "**device 1** B, 4 threads, float32" in text


def test_two_protocols_of_a_metric_are_told_apart(make: Make) -> None:
    text = to_markdown([make(), make(entry="b", protocol="fd:n=500:v1", n=500)], "sprites")
    assert [cell.strip() for cell in tables(text)[0][0]] == ["method", "fd-lite0 ↓ (a)", "fd-lite0 ↓ (b)"]
    assert "**n** 500 to 2,000, see below" in text


def test_what_cannot_be_told_from_real_is_marked(make: Make) -> None:
    rows = [make(seed=seed, entry=entry) for seed in (0, 1) for entry in ("real", "regene")]
    text = to_markdown(rows, "sprites")
    assert tables(text)[0][2][1].strip() == "1.500 ± 0 ≈"
    assert "≈ beyond" in text
    assert "≈" not in to_markdown(board(make), "sprites")


def test_special_abilities_have_a_table_of_their_own(make: Make) -> None:
    rows = [make(entry=entry, metric=metric) for entry, metric in
            (("a", "fd-lite0"), ("a", "accuracy"), ("b", "fd-lite0"), ("real", "fd-lite0"))]  # fmt: skip
    common, special, *_ = tables(to_markdown(rows, "sprites"))
    assert [row[0].strip() for row in common] == ["method", "---", "a", "b", "**anchors**", "*real*"]
    assert [cell.strip() for cell in special[0]] == ["method", "accuracy ↑"]
    assert [row[0].strip() for row in special] == ["method", "---", "a"]


def test_one_method_gets_a_sentence_instead_of_ranks(make: Make) -> None:
    assert "No ranks" in to_markdown([make(), make(entry="real")], "sprites")


def test_what_was_skipped_is_listed_with_its_reason(make: Make) -> None:
    rows = [make(), *[make(metric=name, status="skipped", reason="no weights") for name in ("fid", "kid")]]
    assert "- fid, kid: no weights (regene)" in to_markdown(rows, "sprites")


def test_seeds_of_several_versions_are_pointed_out(make: Make) -> None:
    text = to_markdown([make(), make(seed=1, version="0.2.0")], "sprites")
    assert "Measured with more than one version, run all seeds again: regene." in text
    assert "more than one version" not in to_markdown(board(make), "sprites")


def test_a_board_where_everything_failed_is_still_a_board(make: Make) -> None:
    rows = [make(metric="fit", protocol="fit", status="killed", reason="out of memory")]
    assert "- [1] regene, seed 0, the job: killed: out of memory" in to_markdown(rows, "sprites")


attacks = ["a|b", "x\n\n# y", "<img src=x>", "\x1b]0;t\x07", "`c`", "[l](javascript:0)", "\u202eabc", "&lt;"]
hostile = st.sampled_from(attacks)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(hostile | st.text(max_size=40), st.booleans()), min_size=1, max_size=4))
def test_no_text_of_a_record_breaks_the_page(make: Make, texts: list[tuple[str, bool]]) -> None:
    rows = []
    for seed, (text, ok) in enumerate(texts):
        status = "ok" if ok else "failed"
        rows.append(
            make(entry=text or "e", settings=text, guide=text, device=text, reason=text, seed=seed, status=status)
        )
        rows.append(make(metric="m" + text.replace("/", ""), judge=text, protocol=text, version=text, status=status))
    page = to_markdown(rows, "sprites")
    assert not any(unicodedata.category(char) in ("Cc", "Cf", "Cs") for char in page.replace("\n", ""))
    assert "<img" not in page
    for rows_of_cells in tables(page):
        assert len({len(row) for row in rows_of_cells}) == 1
    headings = [line for line in page.splitlines() if line.startswith("#")]
    assert all(
        re.fullmatch(r"# sprites|## Budget quick · .*|### (Ranks|Cost|Protocols|Own .*)", line) for line in headings
    )


def test_rendering_writes_the_page_beside_the_rows(tmp_path: Path, make: Make) -> None:
    merge(tmp_path, [make(dataset="folder:/x")])
    text = render(tmp_path, "folder:/x")
    path = board_path(tmp_path, "folder:/x", ".md")
    assert path.read_text() == text
    assert "# folder:/x\n" in text
    assert "(folder%253A%252Fx.csv)" in text
    before = path.stat().st_mtime_ns
    assert render(tmp_path, "folder:/x") == text
    assert path.stat().st_mtime_ns == before


def test_the_order_of_rows_does_not_change_the_page(make: Make) -> None:
    rows = board(make)
    assert to_markdown(rows, "sprites") == to_markdown(rows[::-1], "sprites")


def test_a_board_that_is_not_there_is_an_error_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="no leaderboard"):
        render(tmp_path / "none", "sprites")
    assert not (tmp_path / "none").exists()


def test_a_corrupt_board_is_not_rendered(tmp_path: Path) -> None:
    board_path(tmp_path, "sprites").write_text("dataset,entry\n")
    with pytest.raises(BenchError, match=r"sprites\.csv: the header lacks column"):
        render(tmp_path, "sprites")


def _two_networks(make: Make, lite2: dict[str, float], **changes: object) -> str:
    lite0 = {"regene": 1.0, "stic": 2.0, "cvae": 3.0, "gmm": 4.0, "real": 0.5}
    rows = [make(entry=entry, metric=f"fd-{space}", protocol=f"fd@{space}:n=2000:v1", value=value, **changes)
            for space, values in (("lite0", lite0), ("lite2", lite2)) for entry, value in values.items()]  # fmt: skip
    return to_markdown(rows, "sprites")


def test_a_board_says_how_far_two_networks_agree_on_the_order_of_the_methods(make: Make) -> None:
    """Anchors do not count, and neither does the size of a distance."""
    said = "Spearman's rank correlation of fd-lite0 and fd-lite2:"
    assert f"{said} 1.00 over 4 methods." in _two_networks(
        make, {"regene": 5, "stic": 60, "cvae": 61, "gmm": 90, "real": 99}
    )
    assert f"{said} 0.80 over 4 methods." in _two_networks(make, {"regene": 2, "stic": 1, "cvae": 3, "gmm": 4})
    assert f"{said} -1.00 over 3 methods." in _two_networks(make, {"regene": 3, "stic": 2, "cvae": 1})


def test_agreement_is_not_stated_without_three_methods_or_at_smoke(make: Make) -> None:
    assert "Spearman" not in _two_networks(make, {"regene": 1, "stic": 2})
    assert "Spearman" not in _two_networks(make, {"regene": 1, "stic": 1, "cvae": 1})
    assert "Spearman" not in _two_networks(make, {"regene": 1, "stic": 2, "cvae": 3}, budget="smoke")
