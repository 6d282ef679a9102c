"""Attributes of any images in closed form, after Morpho-MNIST (arXiv 1809.08399): no network, so nothing to train against.

An image is split into a foreground and a background (see `foreground`). Lengths are in image sides, y points down, and
pixels are squares, which adds 1/12 of a squared pixel to each variance.
"""

import numpy as np
import torch
from numpy.typing import NDArray

from bench.api import Pixels
from bench.errors import BenchError
from bench.metrics.control.foreground import foreground
from bench.metrics.control.kinds import VERSION
from bench.metrics.control.oracle import Attribute, Oracle, Readings
from bench.metrics.control.strokes import thickness

Floats = NDArray[np.float32]
Columns = dict[str, NDArray[np.float64]]

CHUNK = 2**21  # values of pixels measured at a time
EPSILON = 1e-12

SHAPE = ("intensity", "background", "area", "x", "y", "spread", "elongation", "slant", "thickness")
COLOUR = ("saturation", "contrast")  # besides the hue
SPANS = {"spread": 0.5, "thickness": 0.25, "slant": 2.0}  # of real shapes; of the others 1


class Morphology(Oracle):
    """Reads off images of `channels` channels:

    intensity: mean of all pixels. background: mean of the median colour of the border.
    area: share of the image. x, y: centroid, from the left and from the top; 0.5 without a foreground.
    spread: root of the sum of the variances along x and y. elongation: 1 - minor axis / major axis, 0 for a disc.
    slant: angle in radians by which a shear makes the shape upright, positive if it leans to the right.
    thickness: of strokes, see `strokes`.
    hue (three channels): angle of the mean colour of the foreground in the plane across the gray axis; 0 red, a third of
    a turn green. Cosine and sine are divided by the mean saturation: shorter than 1 for a mixture of hues, and 0 for gray.
    saturation, contrast (three channels): mean over the foreground of the largest minus the smallest channel, and of the
    distance from the background.

    What depends on a foreground is 0 without one, except x and y.
    """

    name = "morphology"
    digest = VERSION

    def __init__(self, channels: int) -> None:
        """Raises `BenchError` for other than 1 or 3 channels."""
        if channels not in (1, 3):
            raise BenchError(f"morphology: expected images of 1 or 3 channels, got {channels}")
        self._channels, self.left_out = channels, {}
        names = SHAPE + COLOUR if channels == 3 else SHAPE
        linear = tuple(Attribute(name, "linear", (column,), SPANS.get(name, 1.0)) for column, name in enumerate(names))
        hue = Attribute("hue", "circular", (len(names), len(names) + 1))
        self.attributes = (*linear, hue) if channels == 3 else linear

    def read(self, pixels: Pixels, device: torch.device | str = "cpu") -> Readings:
        """The readings, float32 (n, columns), always computed on the CPU. Raises `BenchError` for other channels."""
        if pixels.shape[1] != self._channels:
            raise BenchError(f"morphology: expected images of {self._channels} channels, got {pixels.shape[1]}")
        size = max(1, CHUNK // (pixels[0].numel() if len(pixels) else 1))
        parts = [_measure(part.cpu().numpy().astype(np.float32) / 255) for part in pixels.split(size)]
        return np.concatenate(parts).astype(np.float32)


def _measure(images: Floats) -> NDArray[np.float64]:
    """The readings of images (n, c, h, w) in [0, 1]."""
    mask, distance, background = foreground(images)
    columns = {"intensity": images.mean(axis=(1, 2, 3)), "background": background.mean(axis=1)}
    columns |= _moments(mask)
    columns["thickness"] = thickness(mask >= 0.5, columns["area"] * mask.shape[1] * mask.shape[2]) / mask.shape[2]
    order: tuple[str, ...] = SHAPE
    if images.shape[1] == 3:
        columns |= _colour(images, mask, distance)
        order += (*COLOUR, "cosine", "sine")
    return np.stack([columns[name] for name in order], axis=1)


def _moments(mask: Floats) -> Columns:
    """Area, centroid and second central moments of the foreground, (n,) each."""
    height, width = mask.shape[1:]
    y, x = (((np.arange(side) + 0.5) / side - 0.5).astype(np.float32) for side in (height, width))
    total = mask.sum(axis=(1, 2), dtype=np.float64)
    mass, shown = np.maximum(total, EPSILON), total > 0
    rows, columns = mask.sum(axis=2), mask.sum(axis=1)
    cx, cy = columns @ x / mass, rows @ y / mass
    xx = columns @ x**2 / mass - cx**2 + 1 / (12 * width**2)
    yy = rows @ y**2 / mass - cy**2 + 1 / (12 * height**2)
    xy = (mask @ x * y).sum(axis=1) / mass - cx * cy
    middle, half = (xx + yy) / 2, np.hypot((xx - yy) / 2, xy)
    minor, major = np.maximum(middle - half, 0), middle + half  # eigenvalues of the covariance
    return {
        "area": total / (height * width),
        "x": cx + 0.5,
        "y": cy + 0.5,
        "spread": shown * np.sqrt(xx + yy),
        "elongation": shown * (1 - np.sqrt(minor / major)),
        "slant": shown * np.arctan2(-xy, yy),
    }


def _colour(images: Floats, mask: Floats, distance: Floats) -> Columns:
    """Saturation, contrast and hue of the foreground, (n,) each."""
    mass = np.maximum(mask.sum(axis=(1, 2), dtype=np.float64), EPSILON)
    red, green, blue = ((images[:, channel] * mask).sum(axis=(1, 2), dtype=np.float64) for channel in range(3))
    across = np.hypot(images[:, 0] - (images[:, 1] + images[:, 2]) / 2, (images[:, 1] - images[:, 2]) * 0.75**0.5)
    chroma = np.maximum((across * mask).sum(axis=(1, 2), dtype=np.float64), EPSILON)
    return {
        "saturation": ((images.max(axis=1) - images.min(axis=1)) * mask).sum(axis=(1, 2)) / mass,
        "contrast": (distance * mask).sum(axis=(1, 2)) / mass,
        "cosine": (red - (green + blue) / 2) / chroma,
        "sine": (green - blue) * 0.75**0.5 / chroma,
    }
