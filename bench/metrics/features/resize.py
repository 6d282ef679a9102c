"""The resize before a feature space: that of Pillow, and of clean-fid, without rounding to whole levels."""

from functools import cache

import torch
from torch import Tensor
from torch.nn import functional as F

ROWS = 32  # of the result at a time, if the image is LARGE: each depends on few rows of the image
LARGE = 65  # pixels
PIXELS = 2**18  # of images at a time on a CPU, so that they stay in its cache


def resize(images: Tensor, size: int) -> Tensor:
    """Bicubic resize with antialiasing, as in Pillow, to `size` pixels; clipped to [0, 255], not rounded.

    images: levels (n, c, h, w) as bytes or float32. The filter is applied along one axis after the other, as a product of
    matrices.
    """
    height, width = images.shape[-2:]
    resized = images.new_empty((*images.shape[:-2], size, size), dtype=torch.float32)
    count = max(1, PIXELS // max(height * width, size**2)) if images.device.type == "cpu" else len(images)
    for part, found in zip(images.split(count), resized.split(count), strict=True):
        _along_columns(_along_rows(part.float(), size), found)
    return resized.clamp_(0, 255)


def _along_rows(images: Tensor, size: int) -> Tensor:
    """(..., h, w) to (..., size, w)."""
    bands = _bands(images.shape[-2], size, images.device)
    if len(bands) == 1:
        return bands[0][2] @ images
    found = images.new_empty((*images.shape[:-2], size, images.shape[-1]))
    for rows, used, weights in bands:
        found[..., rows, :] = weights @ images[..., used, :]
    return found


def _along_columns(images: Tensor, found: Tensor) -> None:
    """Write (..., size, w) into `found`, (..., size, size)."""
    for columns, used, weights in _bands(images.shape[-1], found.shape[-1], images.device):
        found[..., columns] = images[..., used] @ weights.T


@cache
def _bands(old: int, new: int, device: torch.device) -> list[tuple[slice, slice, Tensor]]:
    """The filter along one axis in parts: rows of the result, the rows of the image that they depend on, the weights."""
    unit = torch.eye(old)[None, None]
    whole = F.interpolate(unit, size=(new, old), mode="bicubic", antialias=True)[0, 0]
    bands: list[tuple[slice, slice, Tensor]] = []
    for weights in whole.split(ROWS if old >= LARGE and device.type == "cpu" else new):
        used = weights.any(0).nonzero()[:, 0]
        first, last = int(used[0]), int(used[-1]) + 1
        start = len(bands) * ROWS
        rows = slice(start, start + len(weights))
        bands.append((rows, slice(first, last), weights[:, first:last].contiguous().to(device)))
    return bands
