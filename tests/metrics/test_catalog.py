"""The catalogue: plain data for boards, in step with the functions that compute the metrics."""

import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from bench.api import CAPABILITIES
from bench.boards import merge
from bench.boards.rows import COLUMNS
from bench.boards.view import ANCHORS
from bench.metrics import METRICS
from bench.metrics.catalog import CATALOG, CLASSES, RANKED, MetricInfo, frechet_info, info, kernel_info, position
from bench.metrics.table import COMPUTE, space_metrics
from bench.results.record import Record, Status


def test_every_entry_has_a_function_and_every_function_an_entry():
    assert sorted(COMPUTE) == sorted(entry.name for entry in CATALOG)
    own = [MetricInfo(**{name: getattr(metric, name) for name in vars(CATALOG[0])}) for metric in METRICS]
    assert own == list(CATALOG)


@pytest.mark.parametrize("space", ["judge", "timm:resnet18"])
def test_the_metrics_of_any_feature_space_agree_with_their_entries(space: str):
    for metric, entry in zip(space_metrics(space), (frechet_info(space), kernel_info(space)), strict=True):
        assert {name: getattr(metric, name) for name in vars(entry)} == vars(entry)


def test_every_entry_says_what_it_is_and_what_it_needs():
    for entry in CATALOG:
        assert entry.about
        assert set(entry.needs) <= {*CAPABILITIES, "samples", "training", CLASSES}
        assert entry.version >= 1


def test_a_heading_has_the_unit_and_an_arrow_towards_the_better_side():
    assert info("fd-lite0").heading == "fd-lite0 ↓"
    assert info("class-agreement").heading == "class-agreement ↑"
    assert info("diversity-ratio").heading == "diversity-ratio"
    assert info("train-seconds").heading == "train-seconds (s) ↓"


def test_every_ranked_metric_has_a_direction_and_needs_samples_only():
    for name in RANKED:
        found = info(name)
        assert found.ranked
        assert found.better in ("lower", "higher")
        assert not found.special
        assert not found.cost


def test_costs_are_never_ranked():
    costs = {entry.name for entry in CATALOG if entry.cost}
    assert {"train-seconds", "peak-memory-mb", "sample-seconds-per-1000", "parameters"} <= costs
    assert not costs & set(RANKED)


def test_a_metric_is_special_if_it_needs_more_than_drawn_images():
    images = [entry for entry in CATALOG if not entry.cost and not entry.control]
    assert {entry.name for entry in images if entry.special} == {
        entry.name
        for entry in images
        if {"SelfClassifying", "ClassMixing", "Reconstructing", "Density"} & set(entry.needs)
    }


def test_a_part_is_found_by_its_whole():
    assert info("intra-fd-judge/class 3") == info("intra-fd-judge")
    assert position("intra-fd-judge/class 3") == position("intra-fd-judge")


def test_positions_follow_the_catalogue_and_an_unknown_metric_comes_last():
    assert [position(entry.name) for entry in CATALOG] == list(range(len(CATALOG)))
    assert position("never-heard-of") == len(CATALOG)
    assert info("never-heard-of").heading == "never-heard-of"


RENDER = """
import sys
from pathlib import Path
from bench.boards import board_text, read, render
assert "fd-lite0 ↓" in render(Path(sys.argv[1]), "sprites")
board_text(read(Path(sys.argv[1]) / "sprites.csv"), 80)
slow = {"torch", "pandas", "numpy", "scipy", "timm"} & set(sys.modules)
assert not slow, slow
"""
RECORD = Record(
    dataset="sprites", entry="regene", plugin="regene", distribution="classifier-bench", version="0.1.0", settings="",
    seed=0, budget="quick", metric="fd-lite0", protocol="fd@lite0:n=10,ref=10:v1", value=1.5, n=10, status="ok",
    reason="", guide="small@11", judge="resnet@22", device="CPU, 2 threads", key="abc",
)  # fmt: skip


def test_a_board_is_rendered_without_importing_torch(tmp_path: Path):
    merge(tmp_path, [RECORD])
    done = subprocess.run([sys.executable, "-c", RENDER, str(tmp_path)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_the_guide_to_boards_names_what_is_ranked_and_every_column():
    guide = (Path(__file__).parents[2] / "leaderboards" / "README.md").read_text(encoding="utf-8")
    for name in (*RANKED, *COLUMNS, *ANCHORS, *get_args(Status)):
        assert f"`{name}`" in guide, name
