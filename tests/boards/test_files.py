"""Boards lose nothing: not to two runs at once, a killed process, a corrupt file or a full disk."""

import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.boards import add, board_path, boards, check_board, files, journal, merge, merge_boards, read
from bench.boards.files import Changes
from bench.boards.rows import Conflict, encode
from bench.errors import BenchError
from bench.results.record import Record

Make = Callable[..., Record]

MERGE_ALONE = """
import sys
from pathlib import Path
from bench.boards import merge
from bench.results.record import Record
folder, entry = Path(sys.argv[1]), sys.argv[2]
print("ready", flush=True)
sys.stdin.readline()
for seed in range(25):
    merge(folder, [Record("sprites", entry, "p", "d", "1", "", seed, "quick", "fd", "fd:v1", 0.1 * seed, 1, "ok", "",
                          "g", "j", "cpu", "k")])
"""
HOLD = """
import sys, time
from pathlib import Path
from bench.boards.files import locked
path = Path(sys.argv[1])
with locked(path):
    (path.parent / f".{path.name}.abcdefgh.tmp").write_text("half a bo")
    print("held", flush=True)
    time.sleep(60)
"""


def start(code: str, *args: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", code, *args]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def test_two_runs_at_once_lose_and_double_nothing(tmp_path: Path) -> None:
    runs = [start(MERGE_ALONE, str(tmp_path), entry) for entry in ("a", "b")]
    for run in runs:
        assert run.stdout is not None
        assert run.stdout.readline() == "ready\n"
    for run in runs:
        assert run.stdin is not None
        run.stdin.write("go\n")
        run.stdin.flush()
    for run in runs:
        run.communicate(timeout=120)
        assert run.returncode == 0
    rows = read(board_path(tmp_path, "sprites"))
    assert [(row.entry, row.seed) for row in rows] == [(entry, seed) for entry in ("a", "b") for seed in range(25)]
    assert [row.value for row in rows] == [0.1 * row.seed for row in rows]


def test_a_process_killed_while_it_writes_blocks_nobody_and_leaves_nothing(tmp_path: Path, make: Make) -> None:
    path = board_path(tmp_path, "sprites")
    merge(tmp_path, [make(seed=7)])
    holder = start(HOLD, str(path))
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    holder.send_signal(signal.SIGKILL)
    holder.communicate(timeout=30)
    started = time.monotonic()
    merge(tmp_path, [make(seed=8)])
    assert time.monotonic() - started < 20
    assert [row.seed for row in read(path)] == [7, 8]
    assert not list(tmp_path.glob(".*.tmp"))


def test_a_board_locked_for_too_long_is_an_error(tmp_path: Path, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "PATIENCE", 0.2)
    holder = start(HOLD, str(board_path(tmp_path, "sprites")))
    try:
        assert holder.stdout is not None
        holder.stdout.readline()
        with pytest.raises(BenchError, match="was locked by another process"):
            merge(tmp_path, [make()])
    finally:
        holder.kill()
        holder.communicate()


def test_a_newer_record_takes_the_place_of_an_older_one(tmp_path: Path, make: Make) -> None:
    [path] = merge(tmp_path, [make(value=1.0), make(seed=1, value=3.0)])
    merge(tmp_path, [make(value=2.0, version="0.2.0", key="new"), make(device="other", value=4.0)])
    assert sorted((row.value, row.version, row.key) for row in read(path)) == [
        (2.0, "0.2.0", "new"), (3.0, "0.1.0", "abc"), (4.0, "0.1.0", "abc"),
    ]  # fmt: skip


def test_what_is_there_already_is_not_written_again(tmp_path: Path, make: Make) -> None:
    [path] = merge(tmp_path, [make(value=0.1 + 0.2, reason="two\nlines", status="ok")])
    before = path.stat()
    assert merge(tmp_path, read(path)) == [path]
    merge(tmp_path, [make(value=0.1 + 0.2, reason="two\nlines", status="ok")])
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_records_go_to_the_boards_of_their_data_sets(tmp_path: Path, make: Make) -> None:
    names = ["folder:/a b/../ü", "fashion-mnist:32", "x@1", "..", "C:\\x", "a%3Ab", "x" * 500, "line\nbreak"]
    paths = merge(tmp_path, [make(dataset=name) for name in names])
    assert all(path.parent == tmp_path and path.is_file() for path in paths)
    assert len(set(paths)) == len(names)
    for name, path in zip(names, paths, strict=True):
        assert [board_path(tmp_path, row.dataset) for row in read(path)] == [path]
        assert board_path(tmp_path, name) == path
    assert merge(tmp_path, []) == []


def test_plain_names_stay_as_they_are() -> None:
    assert board_path(Path("boards"), "fashion-mnist") == Path("boards/fashion-mnist.csv")
    assert board_path(Path("boards"), "folder:/tmp/x", ".md") == Path("boards/folder%3A%2Ftmp%2Fx.md")
    with pytest.raises(BenchError, match="name of a data set"):
        board_path(Path("boards"), "")


@settings(deadline=None, max_examples=50)
@given(st.text(min_size=1, max_size=300))
def test_every_name_is_one_file_that_leads_back_to_it(name: str) -> None:
    path = board_path(Path("boards"), name)
    assert path.parent == Path("boards")
    assert len(path.name.encode()) <= 200
    assert not path.name.startswith(".")
    assert board_path(Path("boards"), unquote(path.stem)) == path


def test_boards_are_listed_by_data_set(tmp_path: Path, make: Make) -> None:
    merge(tmp_path, [make(dataset="sprites"), make(dataset="folder:/x")])
    (tmp_path / "sprites.md").write_text("")
    assert boards(tmp_path) == ["folder:/x", "sprites"]
    assert boards(tmp_path / "nowhere") == []


def test_a_corrupt_board_is_set_aside_with_one_sentence(
    tmp_path: Path, make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    path = board_path(tmp_path, "sprites")
    for number, garbage in enumerate((b"<<<<<<< HEAD\ndataset", b"\0\xff"), 1):
        path.write_bytes(garbage)
        merge(tmp_path, [make(seed=number)])
        assert (tmp_path / f"sprites.csv.corrupt-{number}").read_bytes() == garbage
        assert [row.seed for row in read(path)] == [number]
    assert len(caplog.messages) == 2
    assert "corrupt-1: " in caplog.messages[0]
    assert "git merge conflict" in caplog.messages[0]
    assert boards(tmp_path) == ["sprites"]


def saved(path: Path, *rows: Record) -> Path:
    """A board whose rows need not be unique."""
    header, *lines = b"".join(encode([row]) for row in rows).splitlines(keepends=True)
    path.write_bytes(header + b"".join(line for line in lines if line != header))
    return path


def test_a_board_that_contradicts_itself_is_neither_merged_nor_set_aside(tmp_path: Path, make: Make) -> None:
    path = saved(board_path(tmp_path, "sprites"), make(value=1.0), make(value=2.0))
    before = path.read_bytes()
    for attempt in (lambda: merge(tmp_path, [make(seed=1)]), lambda: check_board(tmp_path, "sprites", "d1")):
        with pytest.raises(Conflict, match="lines 2 and 3 disagree"):
            attempt()
    assert path.read_bytes() == before
    assert sorted(found.name for found in tmp_path.iterdir() if found.suffix != ".lock") == ["sprites.csv"]


def test_a_board_saved_by_a_spreadsheet_is_merged_and_written_plainly(
    tmp_path: Path, make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    path = board_path(tmp_path, "sprites")
    path.write_bytes(b"\xef\xbb\xbf" + encode([make()]).replace(b"\n", b"\r\n") + b"\r\n")
    merge(tmp_path, [make(seed=1)])
    assert path.read_bytes() == encode([make(), make(seed=1)])
    assert not caplog.messages


def test_results_on_other_data_of_the_same_name_are_refused(tmp_path: Path, make: Make) -> None:
    [path] = merge(tmp_path, [make(data="d1"), make(seed=1, data="")])
    before = path.read_bytes()
    check_board(tmp_path, "sprites", "d1")
    sentence = r"sprites\.csv: results on data with the digest d2 .* other data of that name \(digest d1\); rename"
    for attempt in (lambda: merge(tmp_path, [make(seed=2, data="d2")]), lambda: check_board(tmp_path, "sprites", "d2")):
        with pytest.raises(Conflict, match=sentence):
            attempt()
    assert path.read_bytes() == before
    merge(tmp_path, [make(seed=2, data="d1"), make(dataset="digits", data="d2")])
    assert len(read(path)) == 3


def test_a_missing_or_unreadable_board_can_be_written_to(tmp_path: Path) -> None:
    check_board(tmp_path, "sprites", "d1")
    board_path(tmp_path, "sprites").write_bytes(b"noise")
    check_board(tmp_path, "sprites", "d1")


# Boards of several machines


def test_boards_of_other_machines_are_merged_by_the_rule_of_a_run(tmp_path: Path, make: Make) -> None:
    [path] = merge(tmp_path, [make(value=1.0), make(seed=1, value=2.0)])
    first = saved(tmp_path / "first.csv.txt", make(value=1.0), make(seed=1, value=3.0), make(device="other"))
    second = saved(tmp_path / "second.csv.txt", make(seed=1, value=4.0), make(seed=1, value=4.0))
    expected = Changes(added=1, replaced=1, unchanged=1)
    before = path.read_bytes()
    assert merge_boards(tmp_path, "sprites", [first, second], dry_run=True) == expected
    assert path.read_bytes() == before
    assert merge_boards(tmp_path, "sprites", [first, second]) == expected
    assert path.read_bytes() == encode([make(value=1.0), make(seed=1, value=4.0), make(device="other")])
    assert merge_boards(tmp_path, "sprites", [first, second]).added == 0


def test_a_board_of_another_machine_can_be_the_first(tmp_path: Path, make: Make) -> None:
    other = saved(tmp_path / "other.txt", make(), make(seed=1))
    assert merge_boards(tmp_path / "new", "sprites", [other], dry_run=True) == Changes(2, 0, 0)
    assert not (tmp_path / "new").exists()
    assert merge_boards(tmp_path / "new", "sprites", [other]) == Changes(2, 0, 0)
    assert len(read(board_path(tmp_path / "new", "sprites"))) == 2


def test_no_board_is_changed_by_one_that_does_not_belong_to_it(tmp_path: Path, make: Make) -> None:
    [path] = merge(tmp_path, [make(data="d1")])
    before = path.read_bytes()
    good = saved(tmp_path / "good.txt", make(seed=1))
    for rows, sentence in (
        ([make(dataset="digits")], r"bad\.txt: expected results of 'sprites', got 'digits'"),
        ([make(seed=2), make(seed=2, value=9.0)], r"bad\.txt: lines 2 and 3 disagree"),
        ([make(seed=2, data="d2")], "cannot be merged with those on other data"),
    ):
        with pytest.raises(BenchError, match=sentence):
            merge_boards(tmp_path, "sprites", [good, saved(tmp_path / "bad.txt", *rows)])
        assert path.read_bytes() == before
    with pytest.raises(BenchError, match=r"no leaderboard .*nowhere\.csv"):
        merge_boards(tmp_path, "sprites", [tmp_path / "nowhere.csv"])


def test_an_unreadable_board_is_not_set_aside_for_a_merge_by_hand(tmp_path: Path, make: Make) -> None:
    path = board_path(tmp_path, "sprites")
    path.write_bytes(b"nonsense\n")
    with pytest.raises(BenchError, match="column 'dataset'"):
        merge_boards(tmp_path, "sprites", [saved(tmp_path / "good.txt", make())])
    assert path.exists()


def test_a_folder_that_is_none_is_an_error(tmp_path: Path, make: Make) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BenchError, match=r"cannot write .*sprites\.csv: .*--leaderboards"):
        merge(tmp_path / "file", [make()])


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission_is_an_error(tmp_path: Path, make: Make) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(BenchError, match="Permission denied"):
        merge(tmp_path, [make()])


def test_a_full_disk_is_an_error_and_the_board_stays(
    tmp_path: Path, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    [path] = merge(tmp_path, [make()])
    before = path.read_bytes()

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(BenchError, match="No space left on device"):
        merge(tmp_path, [make(seed=1)])
    assert path.read_bytes() == before
    assert not list(tmp_path.glob(".*.tmp"))


def test_a_board_that_is_a_folder_is_an_error(tmp_path: Path, make: Make) -> None:
    board_path(tmp_path, "sprites").mkdir()
    with pytest.raises(BenchError, match="cannot write"):
        merge(tmp_path, [make()])
    with pytest.raises(BenchError, match="cannot be read"):
        read(board_path(tmp_path, "sprites"))


def test_a_board_that_is_not_there_names_the_nearest(tmp_path: Path, make: Make) -> None:
    merge(tmp_path, [make()])
    with pytest.raises(BenchError, match="did you mean 'sprites'"):
        read(board_path(tmp_path, "sprite"))


def test_merging_and_reading_import_nothing_heavy(tmp_path: Path) -> None:
    look = "assert not {'torch', 'pandas', 'numpy', 'rich', 'timm'} & set(sys.modules), sorted(sys.modules)"
    run = start(MERGE_ALONE + look, str(tmp_path), "a")
    run.communicate("go\n", timeout=60)
    assert run.returncode == 0


# The journal: jobs that end one after another


def test_rows_of_the_journal_are_read_at_once_and_stand_in_the_file_once_it_is_settled(
    tmp_path: Path, make: Make
) -> None:
    [path] = merge(tmp_path, [make(value=1.0)])
    before = path.read_bytes()
    add(tmp_path, [make(seed=1, value=2.0)])
    add(tmp_path, [make(seed=1, value=3.0), make(seed=2)])
    assert path.read_bytes() == before
    assert sorted(read(path), key=str) == sorted([make(value=1.0), make(seed=1, value=3.0), make(seed=2)], key=str)
    files.settle(path)
    assert path.read_bytes() == encode([make(value=1.0), make(seed=1, value=3.0), make(seed=2)])
    assert not journal.journal_of(path).exists()


def test_a_merge_takes_the_journal_along_and_newer_rows_win(tmp_path: Path, make: Make) -> None:
    [path] = merge(tmp_path, [make(value=1.0)])
    add(tmp_path, [make(value=2.0), make(seed=1, value=2.0)])
    merge(tmp_path, [make(value=3.0)])
    assert path.read_bytes() == encode([make(value=3.0), make(seed=1, value=2.0)])
    assert not journal.journal_of(path).exists()


@pytest.mark.parametrize("left", [1, 20, 60])
def test_a_line_that_was_cut_short_is_not_there_and_the_next_one_is(tmp_path: Path, left: int, make: Make) -> None:
    [path] = merge(tmp_path, [make()])
    add(tmp_path, [make(seed=1)])
    whole = journal.journal_of(path).read_bytes()
    journal.journal_of(path).write_bytes(whole + whole[:left])  # a process was killed while it wrote
    assert len(read(path)) == 2
    add(tmp_path, [make(seed=2)])
    assert sorted(record.seed for record in read(path)) == sorted([make().seed, 1, 2])


def test_a_line_that_is_not_what_its_digest_says_is_not_there(tmp_path: Path, make: Make) -> None:
    [path] = merge(tmp_path, [make()])
    add(tmp_path, [make(seed=1, value=2.5)])
    add(tmp_path, [make(seed=2)])
    whole = journal.journal_of(path).read_bytes()
    journal.journal_of(path).write_bytes(whole.replace(b'"value": 2.5', b'"value": 9.5'))
    assert [record.seed for record in read(path)] == [0, 2]


def test_rows_of_other_data_never_reach_the_journal(tmp_path: Path, make: Make) -> None:
    [path] = merge(tmp_path, [make(data="d1")])
    with pytest.raises(BenchError, match="digest d2"):
        add(tmp_path, [make(seed=1, data="d2")])
    assert not journal.journal_of(path).exists()


def test_a_long_journal_is_settled_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Make) -> None:
    [path] = merge(tmp_path, [make()])
    monkeypatch.setattr(files, "LONGEST_JOURNAL", 100)
    for seed in range(1, 8):
        add(tmp_path, [make(seed=seed)])
    assert len(path.read_bytes().splitlines()) > 4
    assert len(read(path)) == 8


def test_a_killed_settling_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Make) -> None:
    [path] = merge(tmp_path, [make()])
    add(tmp_path, [make(seed=1)])
    monkeypatch.setattr(journal, "clear", lambda path: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        files.settle(path)
    monkeypatch.undo()
    assert len(read(path)) == 2
    files.settle(path)
    assert path.read_bytes() == encode([make(), make(seed=1)])


def test_adding_does_not_read_a_large_board_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Make) -> None:
    merge(tmp_path, [make(seed=seed) for seed in range(500)])
    add(tmp_path, [make(seed=1000)])
    monkeypatch.setattr(files, "decode", lambda *_: pytest.fail("the board was read"))
    add(tmp_path, [make(seed=1001)])
    monkeypatch.undo()
    assert len(read(board_path(tmp_path, "sprites"))) == 502
