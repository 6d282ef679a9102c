"""Like stands beside like: sections, lines, columns, cells, the floor and the ranks."""

from collections.abc import Callable

import pytest

from bench.boards.view import Column, Line, Section, device_kind, sections
from bench.results.record import Record

Make = Callable[..., Record]
pytestmark = pytest.mark.usefixtures("table")


def only(records: list[Record]) -> Section:
    [section] = sections(records)
    return section


def line(section: Section, entry: str) -> Line:
    [found] = [line for line in section.lines if line.entry == entry]
    return found


def column(section: Section, metric: str) -> Column:
    [found] = [column for column in section.columns if column.metric == metric]
    return found


def cell_text(section: Section, entry: str, metric: str) -> str:
    cell = section.cell(line(section, entry), column(section, metric))
    return cell.text(len(section.seeds), lambda record: "1")


def floored(section: Section, entry: str = "regene", metric: str = "fd-lite0") -> bool:
    return section.at_floor(line(section, entry), column(section, metric))


def seeds(make: Make, values: list[float], **changes: object) -> list[Record]:
    return [make(seed=seed, value=value, **changes) for seed, value in enumerate(values)]


def test_budgets_judges_and_kinds_of_device_never_share_a_section(make: Make) -> None:
    rows = [make(), make(budget="smoke"), make(judge="other@1"), make(device="Big GPU, bfloat16"), make(seed=1)]
    found = [(section.budget, section.kind, section.judge, len(section.records)) for section in sections(rows)]
    assert found == [
        ("quick", "CPU", "other@1", 1), ("quick", "CPU", "resnet@22", 2), ("quick", "GPU", "resnet@22", 1),
        ("smoke", "CPU", "resnet@22", 1),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("device", "kind"),
    [
        ("Intel Xeon, 2 threads, bfloat16", "CPU"),
        ("cpu-1-float32", "CPU"),
        ("x, 1 thread, float32", "CPU"),
        ("NVIDIA H200, bfloat16", "GPU"),
        ("cuda-0", "GPU"),
        ("", "no device"),
    ],
)
def test_the_fingerprint_tells_the_kind_of_device(device: str, kind: str) -> None:
    assert device_kind(device) == kind


def test_protocols_never_share_a_column(make: Make) -> None:
    section = only([make(), make(seed=1, protocol="fd@lite0:n=2000:v2"), make(metric="class-agreement")])
    assert [(c.metric, c.protocol) for c in section.columns] == [
        ("fd-lite0", "fd-lite0:n=2000:v1"), ("fd-lite0", "fd@lite0:n=2000:v2"),
        ("class-agreement", "class-agreement:n=2000:v1"),
    ]  # fmt: skip
    assert [section.cell(line(section, "regene"), c).values for c in section.columns] == [[1.5], [1.5], [1.5]]


def test_settings_guides_and_devices_never_share_a_line(make: Make) -> None:
    section = only([make(), make(settings="n=5"), make(guide="g@2"), make(device="Other CPU, 4 threads, float32")])
    assert len(section.lines) == 4
    assert all(len(section.cell(line, section.columns[0]).ok) == 1 for line in section.lines)


def test_columns_follow_the_table_and_strangers_come_last(make: Make) -> None:
    names = ["zebra", "train-seconds", "class-agreement", "apple", "fd-lite0", "fd-lite0/boot"]
    section = only([make(metric=name) for name in names])
    assert [c.metric for c in section.main] == ["fd-lite0", "class-agreement", "apple", "zebra"]
    assert [c.metric for c in section.cost] == ["train-seconds"]
    assert [c.metric for c in section.parts["fd-lite0"]] == ["fd-lite0/boot"]


def test_parts_are_sorted_as_people_count(make: Make) -> None:
    section = only([make(metric=f"fd-lite0/class {i}") for i in (10, 9, 1)])
    assert [c.metric for c in section.parts["fd-lite0"]] == [f"fd-lite0/class {i}" for i in (1, 9, 10)]


def test_methods_come_before_the_anchors_and_these_in_their_order(make: Make) -> None:
    section = only(
        [make(entry=entry) for entry in ("noise", "zeta", "slight-noise", "mean", "alpha", "real", "blur", "replay")]
    )
    assert [line.entry for line in section.lines] == [
        "alpha",
        "zeta",
        "real",
        "replay",
        "blur",
        "slight-noise",
        "mean",
        "noise",
    ]


def test_the_anchors_are_those_of_the_host() -> None:
    from bench.boards.view import ANCHORS
    from bench.evaluation.anchors import ANCHORS as HOST

    assert list(ANCHORS) == list(HOST)


def test_the_better_method_comes_first(make: Make) -> None:
    section = only(seeds(make, [9.0, 9.1], entry="alpha") + seeds(make, [1.0, 1.1], entry="zeta"))
    assert [line.entry for line in section.lines] == ["zeta", "alpha"]


def test_a_cell_says_how_many_seeds_it_rests_on(make: Make) -> None:
    rows = seeds(make, [1.0, 2.0, 3.0]) + seeds(make, [5.0, 6.0], entry="b") + seeds(make, [7.0], entry="c")
    section = only(rows)
    assert cell_text(section, "regene", "fd-lite0") == "2.0 ± 1.0"
    assert cell_text(section, "b", "fd-lite0") == "5.50 ± 0.71 (2 seeds)"
    assert cell_text(section, "c", "fd-lite0") == "7 (1 seed)"


def test_what_was_not_measured_is_a_dash_and_what_failed_says_so(make: Make) -> None:
    rows = [
        *seeds(make, [1.0, 3.0]), make(seed=2, status="failed", reason="no"), make(entry="b", status="timeout"),
        make(entry="c", status="skipped", reason="no labels"), make(entry="d", metric="class-agreement"),
    ]  # fmt: skip
    section = only(rows)
    assert cell_text(section, "regene", "fd-lite0") == "2.0 ± 1.4 (2 seeds) 1 failed [1]"
    assert cell_text(section, "b", "fd-lite0") == "failed [1]"
    assert cell_text(section, "c", "fd-lite0") == cell_text(section, "d", "fd-lite0") == "–"


def test_a_job_that_failed_failed_in_every_cell_it_did_not_reach(make: Make) -> None:
    rows = [
        make(metric="fit", protocol="fit", status="diverged", reason="nan"), make(metric="class-agreement"),
        make(entry="b"), make(entry="b", metric="fit", protocol="fit"), make(entry="b", metric="fd-lite0/boot"),
    ]  # fmt: skip
    section = only(rows)
    assert [c.metric for c in section.columns] == ["fd-lite0", "fd-lite0/boot", "class-agreement"]
    assert cell_text(section, "regene", "fd-lite0") == "failed [1]"
    assert cell_text(section, "regene", "class-agreement") == "1.500 (1 seed)"
    assert cell_text(section, "regene", "fd-lite0/boot") == "–"


def test_a_failed_job_does_not_fail_what_the_method_cannot_do(make: Make) -> None:
    rows = [make(metric="fit", seed=1, status="diverged"), make(metric="accuracy", status="skipped", reason="no logits"),
            make(entry="b", metric="accuracy")]  # fmt: skip
    assert cell_text(only(rows), "regene", "accuracy") == "–"


def test_a_metric_that_was_skipped_everywhere_is_no_column(make: Make) -> None:
    section = only([make(), make(metric="fid", status="skipped", reason="no weights")])
    assert [c.metric for c in section.columns] == ["fd-lite0"]


def test_a_failure_without_a_protocol_joins_the_column_of_its_metric(make: Make) -> None:
    section = only([make(), make(entry="b", protocol="", status="killed", reason="SIGKILL")])
    assert len(section.columns) == 1
    assert cell_text(section, "b", "fd-lite0") == "failed [1]"


def test_the_floor_is_within_two_standard_errors_of_real_or_beyond(make: Make) -> None:
    real = seeds(make, [10.0, 12.0], entry="real")  # mean 11, squared error of the mean 1
    assert floored(only(real + seeds(make, [13.0, 13.0])))  # 2 away
    assert not floored(only(real + seeds(make, [13.1, 13.1])))
    assert floored(only(real + seeds(make, [1.0, 1.0])))  # beyond: lower is better
    assert floored(only(real + seeds(make, [12.0, 15.0])))  # 2.5 away, two errors are 2 sqrt(1 + 2.25) = 3.6


def test_the_floor_knows_the_direction_of_a_metric(make: Make) -> None:
    real = seeds(make, [0.90, 0.90], entry="real", metric="class-agreement")
    for value, expected in ((0.89, False), (0.90, True), (0.99, True)):
        section = only(real + seeds(make, [value, value], metric="class-agreement"))
        assert floored(section, metric="class-agreement") is expected
    real = seeds(make, [1.0, 1.0], entry="real", metric="diversity-ratio")
    for value, expected in ((0.9, False), (1.0, True), (1.1, False)):
        section = only(real + seeds(make, [value, value], metric="diversity-ratio"))
        assert floored(section, metric="diversity-ratio") is expected


def test_without_real_images_or_for_an_anchor_there_is_no_floor(make: Make) -> None:
    assert not floored(only(seeds(make, [1.0, 1.0])))
    section = only(seeds(make, [1.0, 1.0], entry="real") + seeds(make, [1.0, 1.0], entry="replay"))
    assert not floored(section, "real")
    assert not floored(section, "replay")


def test_anchors_and_costs_are_not_ranked(make: Make) -> None:
    rows = [make(entry=entry, metric=metric, value=value) for metric in ("fd-lite0", "train-seconds", "diversity-ratio")
            for entry, value in (("real", 0.1), ("a", 1.0), ("b", 2.0))]  # fmt: skip
    section = only(rows)
    assert [c.metric for c in section.ranked] == ["fd-lite0"]
    assert {line.entry: rank.mean for line, rank in section.ranks.items()} == {"a": 1, "b": 2}


def test_higher_is_ranked_first_where_it_is_better(make: Make) -> None:
    rows = [make(entry=entry, metric="class-agreement", value=value) for entry, value in (("a", 0.5), ("b", 0.9))]
    assert [line.entry for line in only(rows).ranks] == ["b", "a"]


def test_one_method_has_no_rank(make: Make) -> None:
    assert only([make(), make(entry="real")]).ranks == {}
    assert only([make(metric="unknown"), make(entry="b", metric="unknown")]).ranks == {}


def test_a_failed_job_ranks_last(make: Make) -> None:
    rows = [*seeds(make, [1.0, 1.0], entry="a"), *seeds(make, [5.0, 5.0], entry="b"),
            make(entry="a", seed=2, metric="fit", status="diverged")]  # fmt: skip
    assert [(line.entry, rank.mean) for line, rank in only(rows).ranks.items()] == [("b", 1), ("a", 2)]
