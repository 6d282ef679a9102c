"""What the authors of methods say about how they chose their settings."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from toy_board import rows

from bench import BenchError
from bench.boards.markdown import to_markdown
from bench.boards.notes import Notes
from bench.boards.rows import decode, encode
from bench.boards.terminal import board_text
from bench.boards.view import sections
from bench.pages.full_tables import full_tables
from bench.registry.plugins import OWN, Plugins
from bench.registry.sources import file_of_package
from bench.registry.tuning import Tuning, find_tuning, read_tuning
from bench.results.record import Record

SAID = "best of 12 settings by fd-lite0 on sprites"
OWN_METHODS = [entry for entry in Plugins().all("generators") if entry.distribution == OWN]


def written(folder: Path, text: str) -> dict[str, Tuning]:
    (folder / "tuning.toml").write_text(text, encoding="utf-8")
    return read_tuning(folder / "tuning.toml")


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ("trials = 0", "not tuned"),
        ('trials = 0\nnote = "values of the paper"', "not tuned; values of the paper"),
        ('trials = 12\nmetric = "fd-lite0"\ndata = "sprites"', SAID),
        ('note = "by eye"', "number of trials not recorded; by eye"),
        ('metric = "FD"\ndata = "digits"\nnote = "x"', "chosen by FD on digits, number of trials not recorded; x"),
    ],
)
def test_a_table_is_a_sentence(tmp_path: Path, table: str, says: str) -> None:
    assert str(written(tmp_path, f"[haze]\n{table}\n")["haze"]) == says


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[haze\n", "is not valid TOML"),
        ("haze = 3\n", "tuning.toml: haze: expected a table [entry], got 3"),
        ("[haze]\ntrial = 3\n", "unknown key 'trial': did you mean 'trials'?"),
        ("[haze]\ntrials = -1\n", "expected trials as a whole number of at least 0, got -1"),
        ("[haze]\ntrials = true\n", "expected trials as a whole number of at least 0, got True"),
        ('[haze]\ntrials = 3\nmetric = "fd"\n', "expected data for 3 trials, got none"),
        ('[haze]\ntrials = 0\nmetric = "fd"\n', "expected no metric without trials, got 'fd'"),
        ("[haze]\nnote = 3\n", "expected note as text in quotes, got 3"),
        ("[haze]\n", "expected trials, or a note that says what was tried, got neither"),
    ],
)
def test_an_invalid_file_is_one_sentence(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(BenchError) as caught:
        written(tmp_path, text)
    assert says in str(caught.value)


@pytest.mark.parametrize("entry", OWN_METHODS, ids=lambda entry: entry.name)
def test_every_method_of_this_repository_says_how_its_settings_were_chosen(entry) -> None:
    assert find_tuning(entry.module, entry.name) is not None


def test_no_table_is_of_an_unknown_method() -> None:
    names = {entry.name for entry in OWN_METHODS}
    for module in {entry.module for entry in OWN_METHODS}:
        path = file_of_package(module, "tuning.toml")
        assert path is not None
        assert read_tuning(path).keys() <= names


def stated(**said: str) -> list[Record]:
    """A board on which these methods say how their settings were chosen."""
    return [replace(row, tuning=said.get(row.entry, "")) if row.metric == "fit" else row for row in rows()]


@pytest.mark.parametrize(
    "shown",
    [
        lambda records: to_markdown(records, "toys"),
        lambda records: board_text(records, everything=True),
        lambda records: full_tables(Notes(sections(records)[0]), "section-1"),
    ],
    ids=["markdown", "terminal", "page"],
)
def test_every_form_of_a_board_shows_it_and_who_says_nothing(shown: Callable[[list[Record]], str]) -> None:
    text = shown(stated(alpha=SAID))
    assert SAID in text
    assert "not stated" in text
    assert "not stated" not in shown(stated())  # boards of earlier versions are shown as they were


def test_it_is_kept_in_the_rows_of_trainings_and_absent_in_older_files() -> None:
    records = stated(alpha=SAID)
    again = decode(encode(records), Path("toys.csv"))
    assert {record.tuning for record in again if record.entry == "alpha"} == {"", SAID}
    older = b"\n".join(line.rpartition(b",")[0] for line in encode(stated()).splitlines()) + b"\n"
    assert {record.tuning for record in decode(older, Path("toys.csv"))} == {""}
