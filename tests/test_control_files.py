"""What a run directory shows of codes: a table, a heat map, and traversals."""

import csv
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from bench.api import Code
from bench.metrics.control.codes import Grid
from bench.metrics.control.indices import Effects, Sweep
from bench.metrics.control.sweeps import Sweeps
from bench.results.control_files import DARK, PALE, effects_csv, heat_map, save_control, traversal_sheet

EFFECTS = Effects(
    codes=("first", "second"),
    attributes=("hue", "size", "a name that is too long for a column"),
    first=np.array([[0.0, 0.25, 0.0], [1.0, 0.0, 0.0]]),
    total=np.array([[0.0, 0.5, 0.0], [1.0, 0.0, 0.01]]),
    rank=np.array([[np.nan, -1.0, 0.5], [np.nan, 0.0, 0.0]]),
)


def sweeps(channels: int = 3) -> Sweeps:
    images = torch.zeros(2, 5, channels, 8, 8, dtype=torch.uint8)
    images[:, :, 0] = torch.arange(5, dtype=torch.uint8)[None, :, None, None] * 60
    grids = tuple(
        Grid(Code(name, "continuous", (column,)), torch.zeros(5, 1), np.full(5, 0.2), True)
        for column, name in enumerate(EFFECTS.codes)
    )
    each = tuple(Sweep(name, np.zeros(5), np.full(5, 0.2), np.zeros((2, 5, 1)), True) for name in EFFECTS.codes)
    return Sweeps(grids, each, (images, 255 - images), np.zeros((3, 1), np.float32), 2)


def test_the_table_has_a_row_for_every_code_and_attribute():
    rows = list(csv.DictReader(effects_csv(EFFECTS).splitlines()))
    assert len(rows) == 6
    assert rows[1] == {"code": "first", "attribute": "size", "S1": "0.25", "ST": "0.5", "rank correlation": "-1"}
    assert rows[0]["rank correlation"] == ""


def test_the_heat_map_shows_the_best_code_first_in_dark():
    image = np.asarray(heat_map(EFFECTS))
    dark = np.argwhere((image == DARK.astype(np.uint8)).all(axis=2))
    pale = np.argwhere((image == PALE.astype(np.uint8)).all(axis=2))
    assert len(dark) > 500
    assert dark[:, 0].max() < pale[:, 0].max()  # the second row is that of the code that controls less
    assert image.shape[1] > 6 * 72


@pytest.mark.parametrize("channels", [1, 3])
def test_a_traversal_is_a_row_of_images_from_low_to_high(channels):
    sheet = np.asarray(traversal_sheet(sweeps(channels), EFFECTS))
    height = 8 * 8 + 1  # enlarged to 64 pixels, one pixel apart
    assert sheet.shape[0] == 2 * height + 20
    row = sheet[20 + height + 5, -5 * height :, 0].astype(int)  # "first" comes second: it controls less
    assert [row[column * height + 5] for column in range(5)] == [0, 60, 120, 180, 240]


def test_all_three_files_are_written(tmp_path: Path):
    save_control(tmp_path, sweeps(), EFFECTS)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["control.csv", "control.png", "traversals.png"]
    for name in ("control.png", "traversals.png"):
        Image.open(tmp_path / name).verify()
