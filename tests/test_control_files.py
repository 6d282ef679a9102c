"""What a run directory shows of codes in numbers: a table and a heat map; and pictures that cannot be drawn."""

import csv
import logging
from pathlib import Path

import numpy as np
from PIL import Image

from bench.metrics.control.indices import Effects
from bench.results.effects_table import effects_csv
from bench.results.heat_map import DARK, PALE, heat_map
from bench.results.picture import save_picture

EFFECTS = Effects(
    codes=("first", "second"),
    attributes=("hue", "size", "a name that is too long for a column"),
    first=np.array([[0.0, 0.25, 0.0], [1.0, 0.0, 0.0]]),
    total=np.array([[0.0, 0.5, 0.0], [1.0, 0.0, 0.01]]),
    rank=np.array([[np.nan, -1.0, 0.5], [np.nan, 0.0, 0.0]]),
)


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


def test_a_picture_is_a_png_file(tmp_path: Path):
    save_picture(tmp_path / "map.png", lambda: heat_map(EFFECTS))
    assert np.array_equal(np.asarray(Image.open(tmp_path / "map.png")), np.asarray(heat_map(EFFECTS)))


def test_nothing_to_show_is_no_file(tmp_path: Path):
    save_picture(tmp_path / "map.png", lambda: None)
    assert not list(tmp_path.iterdir())


def test_a_picture_that_cannot_be_drawn_is_a_sentence_in_the_log(tmp_path: Path, caplog):
    def draw() -> None:
        raise RuntimeError("no ink")

    with caplog.at_level(logging.WARNING, "bench"):
        save_picture(tmp_path / "map.png", draw)
    assert caplog.messages == ["map.png was not drawn: RuntimeError: no ink"]
    assert not list(tmp_path.iterdir())
