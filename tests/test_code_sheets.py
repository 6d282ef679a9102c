"""Sheets of images that show what codes do: which image is where, at what size, and what is written beside it."""

import numpy as np
import pytest
import torch

from bench.api import Code
from bench.metrics.control.codes import Grid
from bench.metrics.control.indices import Effects, Sweep
from bench.metrics.control.pictures import Additions, Edits
from bench.metrics.control.sweeps import Sweeps
from bench.results.code_sheets import addition_sheet, edit_sheet, swap_sheet, traversal_sheet
from bench.results.picture import text_width
from bench.results.sheet import LINE, sheet

EFFECTS = Effects(
    codes=("first", "second"),
    attributes=("hue", "size"),
    first=np.array([[0.0, 0.25], [1.0, 0.0]]),
    total=np.array([[0.0, 0.5], [1.0, 0.0]]),
    rank=np.array([[np.nan, -1.0], [np.nan, 0.0]]),
)
STEP = 8 * 8 + 1  # images of 8 pixels are enlarged to 64, one pixel apart


def levels(*values: int, channels: int = 1, size: int = 8) -> torch.Tensor:
    """One image of each grey level, uint8 (m, c, h, w)."""
    return torch.tensor(values, dtype=torch.uint8)[:, None, None, None].expand(-1, channels, size, size)


def sweeps(channels: int = 3, size: int = 8) -> Sweeps:
    """Two codes, two contexts, five values; the first code makes images brighter and the second darker."""
    images = levels(0, 60, 120, 180, 240, channels=channels, size=size).expand(2, -1, -1, -1, -1)
    grids = tuple(
        Grid(Code(name, "continuous", (column,)), torch.zeros(5, 1), np.full(5, 0.2), True)
        for column, name in enumerate(EFFECTS.codes)
    )
    each = tuple(Sweep(name, np.zeros(5), np.full(5, 0.2), np.zeros((2, 5, 1)), True) for name in EFFECTS.codes)
    return Sweeps(grids, each, (images, 255 - images), np.zeros((3, 1), np.float32), 2, torch.zeros(2, 2))


def cells(image, columns: int, lines: int, step: int = STEP) -> np.ndarray:
    """The grey level in the middle of every cell of the last columns, (rows, columns)."""
    pixels = np.asarray(image)[lines * LINE :, -columns * step :, 0]
    return pixels[step // 2 :: step, step // 2 :: step].astype(int)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_traversal_is_a_row_of_images_from_low_to_high(channels):
    image = traversal_sheet(sweeps(channels), EFFECTS)
    assert image.size[1] == 2 * STEP + LINE
    assert cells(image, 5, 1).tolist() == [[255, 195, 135, 75, 15], [0, 60, 120, 180, 240]]  # "second" controls more


@pytest.mark.parametrize(("size", "cell"), [(32, 64), (48, 48), (64, 64), (128, 128), (200, 128), (1024, 128)])
def test_large_images_are_shrunk_and_small_ones_are_enlarged(size, cell):
    image = traversal_sheet(sweeps(3, size), EFFECTS)
    assert image.size[1] == 2 * (cell + 1) + LINE
    assert cells(image, 5, 1, cell + 1)[1].tolist() == [0, 60, 120, 180, 240]


def test_a_large_image_is_averaged_not_cut():
    halves = levels(0, size=256).clone()
    halves[..., 128:] = 200
    pixels = np.asarray(sheet([("", halves)], []))[:128, 16 : 16 + 128, 0]
    assert (pixels[:, :64] == 0).all()
    assert (pixels[:, 64:] == 200).all()


def test_headings_are_never_cut_off():
    heading = "a heading that is longer than one image"
    assert sheet([("row", levels(0))], [[(0, heading)]]).size[0] > text_width(["row"]) + text_width([heading]) + 16


def test_swaps_have_a_row_for_each_code():
    swaps = torch.stack([levels(*range(row, row + 8)) for row in range(0, 240, 30)])
    expected = [list(range(row, row + 8)) for row in range(0, 240, 30)]
    assert cells(swap_sheet(swaps), 8, 1).tolist() == expected


def test_additions_have_rows_for_continuous_codes_only():
    additions = Additions(np.array([-2.0, 0.0, 2.0]), {0: levels(0, 100, 200)})
    image = addition_sheet(additions, EFFECTS)
    assert image.size[1] == STEP + 2 * LINE
    left = np.asarray(image)[2 * LINE + STEP // 2, :, 0]
    assert {100, 200} < set(left.tolist())


def test_an_edited_image_stands_beside_its_edits():
    images = torch.stack([levels(10, 20, 30, 40), levels(110, 120, 130, 140)])
    edits = Edits(images, torch.tensor([1, 0]), ordered=True)
    image = np.asarray(edit_sheet(edits, EFFECTS, 1, ("zero", "a name\nof two lines and of very many words")))
    assert image.shape[0] == 2 * STEP + 2 * LINE
    row = image[2 * LINE + 5, :, 0].astype(int)
    start = int(np.argmax(row == 10))
    assert row[start + 5 : start + 4 * STEP : STEP].tolist() == [10, 20, 30, 40]
    assert start < 200  # the name of the class is shortened
