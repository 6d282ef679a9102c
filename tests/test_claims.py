"""The ledger of claims: found without importing the plugin, strict about its format, honest about its status."""

import json
import sys
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import asdict
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.cli import main
from bench.cli.claims import listing
from bench.errors import BenchError
from bench.registry import claims
from bench.registry.claims import KEYS, Claim, find_ledger, load_claims, read_claims

ROW = {
    "id": "1.10.1", "claim": "the mixed latent keeps its class", "measured_by": "10,000 draws per n",
    "expected": "100.00 %", "figure": "100.00 %", "status": "shown",
}  # fmt: skip


def quoted(text: str) -> str:
    """A TOML basic string."""
    return '"' + "".join(f"\\U{ord(char):08X}" if not char.isalnum() else char for char in text) + '"'


def ledger(rows: list[dict[str, str]], **top: str) -> str:
    lines = [f"{key} = {quoted(value)}" for key, value in ({"method": "ReGene", "source": "arXiv 1"} | top).items()]
    for row in rows:
        lines += ["[[claim]]", *(f"{key} = {quoted(value)}" for key, value in row.items())]
    return "\n".join(lines)


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., EntryPoint]:
    """Put a plugin package that must not be imported on the path, and return its entry point."""

    def make(folder: str, name: str, module: str | None = None) -> EntryPoint:
        inside = tmp_path / folder / name
        inside.mkdir(parents=True)
        (inside / "__init__.py").write_text("raise SystemExit('imported')")
        monkeypatch.syspath_prepend(str(tmp_path / folder))
        return EntryPoint(name.removeprefix("bench_"), module or name, "bench")

    return make


def test_a_ledger_is_read_as_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "claims.toml"
    path.write_text(ledger([ROW, ROW | {"id": "2", "status": "not attempted", "figure": ""}]))
    first, second = read_claims(path, "regene")
    assert asdict(first) == {"plugin": "regene", "method": "ReGene", "source": "arXiv 1", **ROW}
    assert (second.status, second.figure) == ("not attempted", "")


def test_a_ledger_in_the_package_is_found_without_importing_it(
    package: Callable[..., EntryPoint], tmp_path: Path
) -> None:
    point = package("site", "bench_inside_")
    assert find_ledger(point) is None
    path = tmp_path / "site/bench_inside_/claims.toml"
    path.write_text(ledger([ROW]))
    assert find_ledger(point) == path
    assert "bench_inside_" not in sys.modules


def test_a_ledger_outside_the_package_is_not_found(package: Callable[..., EntryPoint], tmp_path: Path) -> None:
    point = package("plugins/mine", "bench_beside_")
    (tmp_path / "plugins/mine/claims.toml").write_text(ledger([ROW]))
    assert find_ledger(point) is None


def test_a_module_within_a_package_has_its_ledger_in_its_own_folder(
    package: Callable[..., EntryPoint], tmp_path: Path
) -> None:
    point = package("site", "bench_deep_", "bench_deep_.methods.first:plugin")
    (tmp_path / "site/bench_deep_/methods").mkdir()
    (tmp_path / "site/claims.toml").write_text("not mine")
    assert find_ledger(point) is None
    path = tmp_path / "site/bench_deep_/methods/claims.toml"
    path.write_text(ledger([ROW]))
    assert find_ledger(point) == path


@pytest.mark.parametrize("module", ["no_such_package_", "no_such_package_.inner", "__main__", "sys", "json.decoder"])
def test_a_package_that_cannot_be_found_has_no_ledger(module: str) -> None:
    assert find_ledger(EntryPoint("x", module, "bench")) is None


@pytest.fixture
def installed(package: Callable[..., EntryPoint], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two installed plugins, one of which keeps a ledger."""
    points = [package("plugins/two_words_", "bench_two_words_"), package("site", "bench_plain_")]
    monkeypatch.setattr(claims, "entry_points", lambda group: points)
    path = tmp_path / "plugins/two_words_/bench_two_words_/claims.toml"
    path.write_text(ledger([ROW]))
    return path


@pytest.mark.usefixtures("installed")
def test_a_plugin_is_asked_for_by_either_spelling_and_all_by_none() -> None:
    assert [claim.plugin for claim in load_claims("two_words_")] == ["two_words_"]
    assert load_claims("two-words-") == load_claims("two_words_") == load_claims(None)


@pytest.mark.usefixtures("installed")
def test_an_unknown_plugin_and_one_without_a_ledger_are_errors() -> None:
    with pytest.raises(BenchError, match="unknown plugin 'two_wrods_': did you mean 'two_words_'"):
        load_claims("two_wrods_")
    with pytest.raises(BenchError, match=r"plugin 'plain_' has no claims\.toml in package bench_plain_"):
        load_claims("plain_")


def test_the_ledgers_of_the_suite_itself_keep_the_format() -> None:
    assert all(isinstance(claim, Claim) for claim in load_claims(None))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("method = ", r"claims\.toml is not valid TOML"),
        (ledger([]), r"claims\.toml: key 'claim' is missing"),
        (ledger([]) + "\nclaim = []", r"claims\.toml: expected at least one \[\[claim\]\] table"),
        (ledger([]) + "\nclaim = 3", r"claims\.toml: expected at least one \[\[claim\]\] table"),
        (ledger([]) + "\nclaim = [3]", r"claims\.toml: expected at least one \[\[claim\]\] table"),
        (ledger([ROW], sauce="x"), r"claims\.toml: unknown key 'sauce': did you mean 'source'\?"),
        (ledger([ROW], method=" "), r"claims\.toml: method must not be empty"),
        (ledger([ROW | {"measured-by": "x"}]), r"claim 1: unknown key 'measured-by': did you mean 'measured_by'\?"),
        (ledger([{"id": "1"}]), r"claim 1: key 'claim' is missing"),
        (ledger([ROW, ROW]), r"claim 2: duplicate id '1\.10\.1'"),
        (ledger([ROW | {"status": "show"}]), r"claim 1: unknown status 'show': did you mean 'shown'\?"),
        (ledger([ROW | {"figure": ""}]), r"claim 1: figure must not be empty if the status is 'shown'"),
        (ledger([ROW]) + "\n[[claim]]\nid = 3", r"claim 2: key 'claim' is missing"),
        (ledger([ROW]).replace(quoted("100.00 %"), "1.0"), r"claim 1: expected expected as text in quotes, got 1\.0"),
        (ledger([ROW | {"figure": "@"}]).replace(quoted("@"), "1.0"), r"claim 1: expected figure as text in quotes"),
        ("a = " + "[" * 20_000, r"claims\.toml is not valid TOML"),
    ],
)  # fmt: skip
def test_a_broken_ledger_is_named_with_its_key(tmp_path: Path, text: str, sentence: str) -> None:
    path = tmp_path / "claims.toml"
    path.write_text(text)
    with pytest.raises(BenchError, match=sentence):
        read_claims(path, "regene")


def test_a_ledger_that_is_no_text_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "claims.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(BenchError, match="is not valid TOML"):
        read_claims(tmp_path / "claims.toml", "regene")
    with pytest.raises(BenchError, match="cannot be read"):
        read_claims(tmp_path, "regene")


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
values = st.sampled_from(["shown", "not shown", "not attempted", ""]) | texts | st.integers() | st.lists(st.integers())


@settings(deadline=None, max_examples=50)
@given(st.dictionaries(st.sampled_from([*KEYS, "method", "colour"]), values, max_size=7))
def test_every_table_is_a_claim_or_an_error_in_one_sentence(row: dict[str, Any]) -> None:
    fits = set(row) == set(KEYS) and all(isinstance(value, str) for value in row.values())
    fits = fits and row["status"] in ("shown", "not shown", "not attempted")
    fits = fits and all(row[key].strip() for key in KEYS if key != "figure" or row["status"] != "not attempted")
    with nullcontext() if fits else pytest.raises(BenchError, match=r"^claims\.toml: claim 1: [^\n]*$"):
        claims._check_claim(row, "claims.toml: claim 1", [])


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(*[texts.filter(str.strip)] * 5), min_size=1, max_size=3, unique_by=lambda row: row[0]))
def test_every_text_comes_back_from_a_ledger(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, ...]]
) -> None:
    path = tmp_path_factory.mktemp("ledger") / "claims.toml"
    tables = [dict(zip(KEYS, (*row, "not shown"), strict=True)) for row in rows]
    path.write_text(ledger(tables), encoding="utf-8")
    got = [{key: getattr(claim, key) for key in KEYS} for claim in read_claims(path, "x")]
    assert got == tables
    printed(read_claims(path, "x"))


def printed(rows: list[Claim], width: int | None = 160) -> str:
    return "\n".join(listing(rows, width))


def claim(**changes: str) -> Claim:
    return Claim(**({"plugin": "p", "method": "m", "source": "s", **ROW} | changes))  # type: ignore[arg-type]


def test_the_list_shows_every_claim_as_plain_text_on_one_line() -> None:
    text = printed([claim(figure="[bold]x\x1b[2J", status="not shown")])
    assert "[bold]x\\x1b[2J" in text
    assert "\x1b" not in text
    assert len([line for line in text.splitlines() if "1.10.1" in line]) == 1


def test_a_figure_is_shortened_between_two_words_and_only_if_there_is_a_width() -> None:
    figure = "12.25 against 999.5 " * 20
    short, whole = printed([claim(figure=figure)], 60), printed([claim(figure=figure)], None)
    assert max(map(len, short.splitlines())) <= 60
    assert set(short.split()) <= {*whole.split(), "..."}
    assert figure.strip() in whole


def test_totals_are_given_by_plugin_and_overall() -> None:
    rows = [claim(), claim(plugin="q", status="not shown"), claim(plugin="q", status="not attempted", figure="")]
    assert printed(rows).splitlines()[-3:] == [
        "p      1 claims: 1 reproduced, 0 not reproduced, 0 not attempted",
        "q      2 claims: 0 reproduced, 1 not reproduced, 1 not attempted",
        "total  3 claims: 1 reproduced, 1 not reproduced, 1 not attempted",
    ]


def test_one_claim_is_shown_in_full_and_an_unknown_one_with_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["claims", "stic", "S5"]) == 0
    out = capsys.readouterr().out
    assert "measured by" in out
    assert "expected" in out
    assert main(["claims", "stic", "S55"]) == 2
    assert "stic has no claim 'S55': did you mean 'S5'?" in capsys.readouterr().err


def test_claims_are_filtered_by_what_became_of_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["claims", "--status", "not reproduced", "--json"]) == 0
    assert {row["status"] for row in json.loads(capsys.readouterr().out)} == {"not shown"}
    assert main(["claims", "--status", "refuted"]) == 2
    assert "unknown status 'refuted'" in capsys.readouterr().err
