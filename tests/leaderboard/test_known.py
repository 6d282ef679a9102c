"""What boards take from the table of metrics."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import pytest

from bench.leaderboard import known, merge
from bench.leaderboard.known import RANKED, meaning
from bench.leaderboard.rows import COLUMNS
from bench.leaderboard.view import ANCHORS
from bench.metrics import METRICS
from bench.results.record import Record, Status


def test_every_metric_has_its_place_and_direction() -> None:
    assert [meaning(metric.name).place for metric in METRICS] == list(range(len(METRICS)))
    assert meaning("fd-lite0").heading == "fd-lite0 ↓"
    assert meaning("class-agreement").heading == "class-agreement ↑"
    assert meaning("diversity-ratio").heading == "diversity-ratio"
    assert meaning("train-seconds").heading == "train-seconds (s) ↓"


def test_every_ranked_metric_is_there_has_a_direction_and_asks_for_images_only() -> None:
    for name in RANKED:
        found = meaning(name)
        assert found.ranked
        assert found.better in ("lower", "higher")
        assert not found.special
        assert not found.cost


def test_what_training_costs_is_never_ranked() -> None:
    costs = [metric.name for metric in METRICS if meaning(metric.name).cost]
    assert {"train-seconds", "peak-memory-mb", "sample-seconds-per-1000", "parameters"} <= set(costs)
    assert not any(meaning(name).ranked for name in costs)


def test_a_part_is_foundby_its_whole_and_a_stranger_comes_last() -> None:
    assert meaning("intra-fd-judge/class 3") == meaning("intra-fd-judge")
    assert meaning("never-heard-of").place == len(METRICS)
    assert meaning("never-heard-of").heading == "never-heard-of"


RENDER = """
import sys
from pathlib import Path
from bench.leaderboard import board_text, read, render
assert "fd-lite0 ↓" in render(Path(sys.argv[1]), "sprites")
board_text(read(Path(sys.argv[1]) / "sprites.csv"))
assert not {"torch", "pandas", "numpy"} & set(sys.modules)
"""


def test_a_board_is_rendered_without_torch_once_the_table_of_metrics_is_known(
    tmp_path: Path, make: Callable[..., Record], monkeypatch: pytest.MonkeyPatch
) -> None:
    merge(tmp_path, [make()])
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    known._table.__wrapped__()
    done = subprocess.run([sys.executable, "-c", RENDER, str(tmp_path)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_a_corrupt_or_unwritable_copy_of_the_table_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path))
    table = known._table.__wrapped__()
    [path] = tmp_path.rglob("*.json")
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    assert known._table.__wrapped__() == table
    assert path.read_bytes() == whole
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "file"))
    assert known._table.__wrapped__() == table


def test_what_is_kept_of_the_table_is_the_table() -> None:
    assert [meaning(metric.name) for metric in METRICS] == known._import_table()


def test_the_guide_to_boards_names_what_is_ranked_and_every_column() -> None:
    guide = (Path(__file__).parents[2] / "leaderboards" / "README.md").read_text(encoding="utf-8")
    for name in (*RANKED, *COLUMNS, *ANCHORS, *get_args(Status)):
        assert f"`{name}`" in guide, name
