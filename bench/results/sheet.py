"""A sheet of images: labelled rows under lines of headings."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from torch import Tensor, nn

from bench.api import Pixels
from bench.results.picture import TEXT, Canvas, Text, blank, text_width, written

if TYPE_CHECKING:
    from PIL.Image import Image

SMALLEST, LARGEST = 64, 128  # pixels of the side of a cell: smaller images are repeated, larger ones averaged
LINE = TEXT + 8  # pixels
Heading = tuple[int, str]  # the column where it starts, and the words


def sheet(rows: Sequence[tuple[str, Pixels]], lines: Sequence[Sequence[Heading]], corner: str = "") -> "Image":
    """Each row: its label and its images (m, c, h, w). `lines` of headings are above the images, `corner` above labels."""
    strips = [_strip(images) for _, images in rows]
    left, up, height = text_width([corner, *(label for label, _ in rows)]) + 16, LINE * len(lines), strips[0].shape[0]
    texts: list[Text] = [(8, up - LINE + 4, corner)]
    for number, line in enumerate(lines):
        texts += [(left + column * height, number * LINE + 4, words) for column, words in line]
    ends = [x + text_width([words]) + 8 for x, _, words in texts]
    canvas = blank(up + height * len(rows), max(ends + [left + strip.shape[1] for strip in strips]))
    for place, ((label, _), strip) in enumerate(zip(rows, strips, strict=True)):
        top = up + place * height
        canvas[top : top + height, left : left + strip.shape[1]] = strip
        texts.append((8, top + height // 2 - TEXT // 2, label))
    return written(canvas, texts)


def _strip(images: Pixels) -> Canvas:
    """Images (m, c, h, w) beside each other, one pixel apart: (h, w, 3)."""
    cells = resized(images).expand(-1, 3, -1, -1).numpy()
    padded = np.pad(cells, ((0, 0), (0, 0), (0, 1), (0, 1)), constant_values=255)
    return np.concatenate(list(padded.transpose(0, 2, 3, 1)), axis=1)


def resized(images: Pixels, largest: int = LARGEST) -> Tensor:
    """The images (n, c, h, w) at the size of a cell."""
    size = images.shape[-1]
    if size > largest:
        return nn.functional.interpolate(images.float(), size=largest, mode="area").round().to(images.dtype)
    scale = max(1, SMALLEST // size)
    return images.repeat_interleave(scale, dim=2).repeat_interleave(scale, dim=3)
