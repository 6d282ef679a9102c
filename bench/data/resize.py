"""The resize filter of all data sets: bicubic with antialiasing on uint8, as in Pillow."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import interpolate

from bench.errors import BenchError

SMALLEST, LARGEST = 8, 512  # pixels


def check_size(size: int | None, largest: int = LARGEST) -> None:
    """Raises `BenchError` unless `size` is None or from 8 to `largest` pixels."""
    if size is not None and not (isinstance(size, int) and SMALLEST <= size <= largest):
        raise BenchError(f"size: expected an integer from {SMALLEST} to {largest} pixels, got {size!r}")


def resize(images: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Resize square images, uint8 (n, c, h, h), to (n, c, size, size)."""
    if images.shape[-2:] == (size, size):
        return np.ascontiguousarray(images)
    pixels = torch.from_numpy(np.ascontiguousarray(images))
    return interpolate(pixels, (size, size), mode="bicubic", antialias=True, align_corners=False).numpy()
