"""`bench leaderboard`: boards by any name of their data set, and boards of several machines merged."""

import csv
import io
import json
from pathlib import Path

import pytest
from PIL import Image

from bench.boards import board_path, merge, read
from bench.cli import main
from bench.cli.find_board import board_name
from bench.results.record import Record

OWN = "runs/leaderboards"  # where runs write
DRY = ("run", "--plugins", "gmm", "--dataset", "digits", "--budget", "smoke", "--dry-run")


def row(**changes: object) -> Record:
    fields: dict[str, object] = dict.fromkeys(Record.__dataclass_fields__, "") | {
        "dataset": "digits", "entry": "gmm", "seed": 0, "budget": "smoke", "metric": "fd-lite0", "value": 1.5, "n": 100,
        "status": "ok",
    }  # fmt: skip
    return Record(**fields | changes)  # type: ignore[arg-type]


def board(folder: Path, *rows: Record) -> Path:
    """A board with these rows, one of another machine."""
    merge(folder, rows)
    return board_path(folder, rows[0].dataset)


def twice(path: Path, other: str) -> Path:
    """The board with its only row twice; `other` is the value of the second one."""
    header, line = path.read_text().splitlines(keepends=True)
    path.write_text(header + line + line.replace(",1.5,", f",{other},"))
    return path


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_row_that_comes_twice_is_one_seed(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    twice(board(home / OWN, row()), "1.5")
    assert main(["leaderboard", "digits"]) == 0
    assert "1 seed" in capsys.readouterr().out


def test_a_board_that_contradicts_itself_ends_with_2_and_writes_no_page(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = twice(board(home / OWN, row()), "2.5")
    before = path.read_bytes()
    for arguments in (["leaderboard", "digits"], ["leaderboard", "digits", "--json"], DRY):
        assert main(arguments) == 2
        out, err = capsys.readouterr()
        assert "digits.csv: lines 2 and 3 disagree on fd-lite0 of gmm, seed 0: value '1.5' and '2.5'" in err
        assert (out, err.count("\n")) == ("", 1)
    assert path.read_bytes() == before
    assert not path.with_suffix(".md").exists()


def test_a_run_on_other_data_of_the_same_name_is_refused_before_it_starts(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    board(home / OWN, row(data="0123456789ab"))
    assert main(DRY) == 2
    assert "other data of that name (digest 0123456789ab); rename" in capsys.readouterr().err
    assert main([*DRY, "--leaderboards", "elsewhere"]) == 0


# Names


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ("digits", "digits"),
        ("digits@20", "digits@20"),
        ("sprites:simple", "sprites-simple"),
        ("faces:256", "faces-256"),
        ("faces:64", "faces"),
        ("celeba:Male", "celeba-male"),
        ("folder:x/My Pets", "folder-my-pets"),
        ("folder:./x/../x/My Pets/", "folder-my-pets"),
        ("folder:x/pets.zip@12", "folder-pets@12"),
        ("folder:猫", "folder-猫"),
        ("folder-pets", "folder-pets"),
        ("no-such-data", "no-such-data"),
    ],
)
def test_a_board_has_the_name_that_run_was_given(home: Path, asked: str, name: str) -> None:
    assert board_name([home], asked) == name


def test_a_board_of_exactly_that_name_comes_first(home: Path) -> None:
    board(home, row(dataset="folder:pets"))
    assert board_name([home], "folder:pets") == "folder:pets"


def test_the_board_of_a_folder_is_shown_for_the_text_that_run_took(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for kind in ("ant", "bee"):
        (home / "x" / "猫" / kind).mkdir(parents=True)
        for n in range(8):
            Image.new("L", (28, 28), 20 * n).save(home / "x" / "猫" / kind / f"{n}.png")
    assert main([*DRY[:3], "--dataset", "folder:x/猫", *DRY[5:], "--json"]) == 0
    capsys.readouterr()
    board(home / OWN, row(dataset="folder-猫"))
    assert main(["leaderboard", "folder:x/猫"]) == 0
    assert capsys.readouterr().out.startswith("folder-猫 · ")
    assert main(["leaderboard"]) == 0
    assert capsys.readouterr().out.split() == ["folder-猫", OWN]


def test_a_board_that_is_not_there_is_answered_with_the_nearest(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    board(home / OWN, row())
    assert main(["leaderboard", "Digit"]) == 2
    assert "did you mean 'digits'?" in capsys.readouterr().err


# Your boards and published ones


@pytest.fixture
def both(home: Path) -> tuple[Path, Path]:
    """A published board, and one of the user's own with another method and a newer value of the same one."""
    published = board(home / "leaderboards", row(), row(entry="vae"))
    return published, board(home / OWN, row(value=2.5), row(entry="haze"))


def values(capsys: pytest.CaptureFixture[str]) -> dict[str, float]:
    return {row["entry"]: row["value"] for row in json.loads(capsys.readouterr().out)}


def test_your_board_comes_before_the_published_one(
    home: Path, both: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["leaderboard", "digits", "--json"]) == 0
    assert values(capsys) == {"gmm": 2.5, "haze": 1.5}
    both[1].unlink()
    assert main(["leaderboard", "digits", "--json"]) == 0
    assert values(capsys) == {"gmm": 1.5, "vae": 1.5}


def test_with_mine_shows_both_and_of_the_same_row_yours(
    home: Path, both: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    before = [path.read_bytes() for path in both]
    for arguments in (["mine"], [OWN], [f"{OWN}/digits.csv"]):
        assert main(["leaderboard", "digits", "--json", "--with", *arguments]) == 0
        assert values(capsys) == {"gmm": 2.5, "haze": 1.5, "vae": 1.5}
    assert main(["leaderboard", "digits", "--with", "mine", "--html"]) == 0
    page = home / capsys.readouterr().out.splitlines()[0]
    assert all(name in page.read_text(encoding="utf-8") for name in ("gmm", "haze", "vae"))
    assert main(["compare", "haze", "vae", "--dataset", "digits", "--with", "mine", "--json"]) == 0
    assert [path.read_bytes() for path in both] == before
    assert [path.name for path in both[0].parent.glob("[!.]*")] == ["digits.csv"]  # nothing else was written there


def test_the_end_of_a_run_says_how_to_see_published_rows_too(
    home: Path, both: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["leaderboard", "digits"]) == 0
    assert "bench leaderboard digits --with mine" in capsys.readouterr().out
    both[0].unlink()
    assert main(["leaderboard", "digits"]) == 0
    assert "--with mine" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("other", "said"), [("nowhere", "no leaderboard nowhere/digits.csv"), ("x.csv", "no leaderboard x.csv")]
)
def test_a_board_to_show_with_it_that_is_not_there_is_an_error(
    home: Path, both: tuple[Path, Path], capsys: pytest.CaptureFixture[str], other: str, said: str
) -> None:
    assert main(["leaderboard", "digits", "--with", other]) == 2
    assert said in capsys.readouterr().err


def test_boards_of_other_data_are_not_shown_together(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    board(home / "leaderboards", row(data="0123456789ab"))
    board(home / OWN, row(data="ba9876543210"))
    assert main(["leaderboard", "digits", "--with", "mine"]) == 2
    assert "cannot be merged with those on other data" in capsys.readouterr().err


# Boards of several machines


def test_boards_are_merged_and_the_counts_are_said(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ours = board(home / OWN, row(), row(seed=1))
    first = board(home / "one", row(), row(seed=1, value=2.0))
    second = board(home / "two", row(device="other"))
    before = ours.read_bytes()
    merged = ["leaderboard", "digits", "--merge", str(first), "--merge", str(second)]
    assert main([*merged, "--dry-run"]) == 0
    assert capsys.readouterr().out == (
        "runs/leaderboards/digits.csv: rows added 1, replaced 1, unchanged 1\n\nDry run: nothing was written.\n"
    )
    assert ours.read_bytes() == before
    assert not ours.with_suffix(".md").exists()
    assert main([*merged, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "board": "runs/leaderboards/digits.csv", "dry_run": False, "added": 1, "replaced": 1, "unchanged": 1,
    }  # fmt: skip
    assert [(found.seed, found.device, found.value) for found in read(ours)] == [
        (0, "", 1.5), (0, "other", 1.5), (1, "", 2.0),
    ]  # fmt: skip
    assert ours.with_suffix(".md").exists()


def test_what_cannot_be_merged_ends_with_2_and_changes_nothing(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ours = board(home / OWN, row())
    before = ours.read_bytes()
    good = board(home / "good", row(seed=1))
    wrong = {
        str(board(home / "a", row(dataset="sprites"))): "expected results of 'digits', got 'sprites'",
        str(twice(board(home / "b", row(seed=2)), "2.5")): "lines 2 and 3 disagree",
        "nowhere.csv": "no leaderboard nowhere.csv",
    }
    for path, sentence in wrong.items():
        assert main(["leaderboard", "digits", "--merge", str(good), "--merge", path]) == 2
        assert sentence in capsys.readouterr().err
        assert ours.read_bytes() == before
    assert main(["leaderboard", "--merge", str(good)]) == 2
    assert "--merge: expected the name of a data set" in capsys.readouterr().err
    assert main(["leaderboard", "digits", "--dry-run"]) == 2
    assert "--dry-run: expected --merge FILE" in capsys.readouterr().err


def test_a_shell_completes_files_for_merge_and_folders_for_folders(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", "bash"]) == 0
    out = capsys.readouterr().out
    assert "leaderboard___merge_COMPGEN=_shtab_compgen_files" in out
    assert "leaderboard___runs_COMPGEN=_shtab_compgen_dirs" in out


@pytest.mark.parametrize("kind", ["markdown", "csv", "latex", "json"])
def test_a_board_is_printed_in_each_format(home: Path, capsys: pytest.CaptureFixture[str], kind: str) -> None:
    rows = [row(), row(seed=1, value=2.5)]
    board(home / OWN, *rows)
    assert main(["leaderboard", "digits", "--format", kind]) == 0
    text = capsys.readouterr().out
    if kind == "csv":
        assert [float(line["value"]) for line in csv.DictReader(io.StringIO(text))] == [1.5, 2.5]
    elif kind == "json":
        assert [line["value"] for line in json.loads(text)] == [1.5, 2.5]
    else:
        assert ("2.00 ± 0.71" if kind == "markdown" else r"2.00 $\pm$ 0.71") in text


def test_pages_of_one_board_or_of_all_are_written(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    board(home / OWN, row())
    board(home / OWN, row(dataset="sprites"))
    assert main(["leaderboard", "digits", "--html"]) == 0
    assert capsys.readouterr().out.splitlines() == ["runs/leaderboards/digits.html", "runs/leaderboards/index.html"]
    assert not (home / OWN / "sprites.html").exists()
    assert main(["leaderboard", "--html", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "pages": ["runs/leaderboards/digits.html", "runs/leaderboards/sprites.html"], "index": "runs/leaderboards/index.html",
    }  # fmt: skip
    assert main(["leaderboard", "digits"]) == 0
    assert "runs/leaderboards/digits.html" in capsys.readouterr().out  # the terminal says where the page is


def test_pages_without_a_board_are_a_sentence(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["leaderboard", "--html"]) == 2
    assert capsys.readouterr().err.count("\n") == 1
