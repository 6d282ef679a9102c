"""Which pixels of an image belong to what it shows, from the image alone."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

BRIGHT = 0.01  # the peak is the smallest distance among this share of the pixels, the most distant ones
FAINT = 8 / 255  # an image whose peak is below this distance has no foreground


def foreground(images: Floats) -> tuple[Floats, Floats, Floats]:
    """How far each pixel belongs to the foreground, (n, h, w) in [0, 1]; its distance; and the background, (n, c).

    `images` are (n, c, h, w) in [0, 1]. The background is the median colour of the border, so bright shapes on dark,
    dark ones on light and coloured ones on gray are all found. The distance of a pixel is the largest difference
    from the background over the channels. A pixel at half the peak distance or more is in the foreground; between a
    quarter and three quarters it counts in part, as a pixel on an outline does, so that areas and centroids do not jump.
    """
    background = np.median(_border(images), axis=2).astype(np.float32)
    distance: Floats = np.abs(images - background[:, :, None, None]).max(axis=1)
    flat = distance.reshape(len(images), distance.shape[1] * distance.shape[2])
    rank = max(1, round(flat.shape[1] * BRIGHT))
    peak = np.partition(flat, -rank, axis=1)[:, -rank]
    scale = np.where(peak < FAINT, np.float32(0), 2 / np.maximum(peak, FAINT)).astype(np.float32)
    return (distance * scale[:, None, None] - np.float32(0.5)).clip(0, 1), distance, background


def _border(images: Floats) -> Floats:
    """The outermost pixels, (n, c, 4 (size - 1))."""
    sides = (images[:, :, 0], images[:, :, -1], images[:, :, 1:-1, 0], images[:, :, 1:-1, -1])
    return np.concatenate(sides, axis=2)
