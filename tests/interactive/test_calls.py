"""`bench.run` and `bench.leaderboard` from a script and from a notebook."""

import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

import bench
from bench.cli import main
from bench.evaluation.anchors import ANCHORS

HOSTILE = Path(__file__).parents[1] / "resilience" / "hostile"  # plugins that fail
RUN = {"budget": "smoke", "progress": False}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("calls")
    return {"runs": folder / "runs", "leaderboards": folder / "leaderboards"}


@pytest.fixture(scope="module")
def board(place: dict[str, Path]) -> bench.Board:
    return bench.run("gmm", "digits", **RUN, **place)


def test_a_run_returns_its_rows_which_are_those_of_the_board(board: bench.Board, place: dict[str, Path]) -> None:
    assert {record.entry for record in board.records} == {"gmm", *ANCHORS}
    assert board.failed == ()
    there = bench.leaderboard("digits", **place)
    assert set(there.records) == set(board.records)
    assert there.table() == board.table()


def test_a_frame_has_one_row_for_each_record(board: bench.Board) -> None:
    frame = board.frame
    assert len(frame) == len(board.records)
    value = frame.query("entry == 'gmm' and metric == 'fd-lite0'").value.item()
    assert value == next(r.value for r in board.records if (r.entry, r.metric) == ("gmm", "fd-lite0"))


def test_the_pictures_of_samples_are_there(board: bench.Board) -> None:
    assert list(board.samples) == ["gmm"]
    assert board.samples["gmm"].read_bytes().startswith(b"\x89PNG")


def test_the_same_call_again_repeats_nothing(
    board: bench.Board, place: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    model = next(place["runs"].glob("digits/gmm/*/model.safetensors"))
    before = model.stat().st_mtime_ns
    assert bench.run(["gmm"], "digits", **RUN, **place).records == board.records
    assert model.stat().st_mtime_ns == before
    assert capsys.readouterr() == ("", "")


def test_a_call_and_the_command_line_find_each_others_work(
    board: bench.Board, place: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    folders = ["--runs", str(place["runs"]), "--leaderboards", str(place["leaderboards"])]
    assert main(["run", "--plugins", "gmm", "--dataset", "digits", "--budget", "smoke", *folders]) == 0
    assert "nothing to do" in capsys.readouterr().err


class Cells(HTMLParser):
    """The texts of a document by tag, and whether its tags are balanced."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data.strip())


def test_a_notebook_shows_tables_of_methods_and_headline_metrics(board: bench.Board) -> None:
    page = Cells()
    page.feed(board._repr_html_())
    assert page.open == []
    assert {"gmm", "real", "fd-lite0 ↓", "control"} <= set(page.texts)


def test_the_prompt_shows_the_table_and_no_list_of_rows(board: bench.Board, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "90")
    assert repr(board) == board.table(90)
    assert "Record(" not in repr(board)


def test_what_the_command_line_refuses_is_an_error_with_the_same_sentence(place: dict[str, Path]) -> None:
    with pytest.raises(bench.BenchError, match="did you mean 'gmm'"):
        bench.run("gmn", "digits", **RUN, **place)
    with pytest.raises(bench.BenchError, match=r"no leaderboard .*digitz\.csv: did you mean 'digits'"):
        bench.leaderboard("digitz", **place)
    with pytest.raises(bench.BenchError, match="expected a whole number"):
        bench.run("gmm", "digits", settings={"gmm.components": "many"}, **RUN, **place)


def test_a_job_that_fails_is_a_row_and_no_error(place: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(HOSTILE)
    board = bench.run("raises", "digits", **RUN, **place)
    assert all("RuntimeError: [bold]boom[/bold] | with a pipe" in record.reason for record in board.failed)
    assert board.failed
    assert "boom" in board._repr_html_()


SCRIPT = """
import bench
board = bench.run("gmm", "digits", budget="smoke", runs={runs!r}, leaderboards={boards!r}, settings={{"gmm.components": 2}})
print(len(board.failed), sorted({{record.settings for record in board.records}}))
"""


def test_a_script_needs_no_main_guard(board: bench.Board, place: dict[str, Path], tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT.format(runs=str(place["runs"]), boards=str(place["leaderboards"])))
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "0 ['', 'components=2']"
    assert "Traceback" not in done.stderr


def test_the_examples_of_the_documentation_run(board: bench.Board, place: dict[str, Path], tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "python.md").read_text(encoding="utf-8")
    examples = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert len(examples) == 4
    script = tmp_path / "examples.py"
    script.write_text("\n".join(examples))
    folder = place["runs"].parent  # where the run of `gmm` lies already
    done = subprocess.run([sys.executable, script], cwd=folder, capture_output=True, text=True, timeout=400)
    assert done.returncode == 0, done.stderr
    assert "fd-lite0" in done.stdout
    assert "Traceback" not in done.stderr
