"""Rows of images as one small PNG file."""

import io
from dataclasses import dataclass

import numpy as np

from bench.api import Pixels
from bench.results.sheet import resized

CELL = 64  # pixels of the side of an image at most
COLOURS = 127  # of a strip at most: a page holds many
GAP = COLOURS  # the place in the palette of the transparent colour between images


@dataclass(frozen=True)
class Strip:
    """The bytes of a PNG file, and its size in pixels."""

    png: bytes
    width: int
    height: int


def strip(images: Pixels) -> Strip:
    """Images uint8 (rows, columns, c, h, w) in rows, one transparent pixel apart. Raises `ValueError` if there is none."""
    from PIL import Image

    rows, columns = images.shape[:2]
    cells = resized(images.flatten(0, 1), CELL)
    size = cells.shape[-1]
    colours = cells.expand(-1, 3, -1, -1).permute(0, 2, 3, 1).reshape(-1, size, 3).numpy()
    palette = Image.fromarray(colours).quantize(COLOURS, dither=Image.Dither.NONE)
    tiles = np.asarray(palette).reshape(rows, columns, size, size)
    tiles = np.pad(tiles, ((0, 0), (0, 0), (0, 1), (0, 1)), constant_values=GAP)
    table = tiles.transpose(0, 2, 1, 3).reshape(rows * (size + 1), columns * (size + 1))[:-1, :-1]
    image = Image.fromarray(np.ascontiguousarray(table))
    image.putpalette(((palette.getpalette() or []) + [0] * 3 * 256)[: 3 * 256])
    buffer = io.BytesIO()
    image.save(buffer, "PNG", transparency=GAP, optimize=True)
    return Strip(buffer.getvalue(), image.width, image.height)
