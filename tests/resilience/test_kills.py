"""A matrix that is killed again and again ends as one that nobody touched, and does no finished work twice."""

import os
import signal
import subprocess
import sys

import pytest
from killing import MOST, Killing

from bench.util.atomic import read_json, remove_stale, write_json


def check(killing: Killing, kills: int) -> None:
    print("\n" + killing.report())
    assert len(killing.kills) >= kills
    for end in killing.ends:
        assert end["equal"], "the board is another than that of an undisturbed run"
        assert end["rows"] > 100
        assert end["twice"] == 0
        assert end["temporary"] == []
        assert max(end["redone"], default=0) <= MOST


def test_a_matrix_whose_jobs_are_killed_ends_like_one_that_nobody_touched(tmp_path):
    killing = Killing(tmp_path, datasets=("toys-dots",), seeds="0", ways=("workers",))
    killing.kill(3)
    check(killing, 3)


@pytest.mark.whole
@pytest.mark.timeout(7200)
def test_matrices_that_are_killed_a_hundred_times_end_like_one_that_nobody_touched(tmp_path):
    killing = Killing(tmp_path)
    killing.kill(100)
    check(killing, 100)


def test_what_a_process_killed_while_writing_leaves_is_swept_up(tmp_path):
    code = (
        "import os, signal, sys, pathlib; from bench.util.atomic import write_json;"
        "os.replace = lambda *paths: os.kill(os.getpid(), signal.SIGKILL);"
        "write_json(pathlib.Path(sys.argv[1]) / 'record.json', 'new')"
    )
    write_json(tmp_path / "record.json", "old")
    ended = subprocess.run([sys.executable, "-c", code, str(tmp_path)], env=os.environ, check=False)
    assert ended.returncode == -signal.SIGKILL
    assert len(list(tmp_path.glob(".*.tmp"))) == 1
    remove_stale(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["record.json"]
    assert read_json(tmp_path / "record.json") == "old"
