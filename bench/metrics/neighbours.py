"""Nearest neighbours under the Euclidean distance, a block of rows at a time."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from bench.metrics.cache import Array
from bench.metrics.precision import full_precision

ROWS = 1024  # rows of distances in memory at once, at most


def distance_blocks(x: Array, y: Array, device: torch.device) -> Iterator[tuple[slice, Tensor]]:
    """Squared distances of rows of x (a slice of them at a time) to all rows of y: float32 (rows, m).

    Both are shifted by the mean of y first: |x|^2 + |y|^2 - 2 x.y then loses fewer digits.
    """
    centre = np.mean(y, axis=0, dtype=np.float64).astype(np.float32)
    a, b = (torch.from_numpy(value - centre).to(device) for value in (x, y))
    squares = b.square().sum(1)
    for start in range(0, len(a), ROWS):
        rows = slice(start, min(start + ROWS, len(a)))
        with full_precision(device):
            part = a[rows]
            distances = torch.addmm(squares[None] + part.square().sum(1, keepdim=True), part, b.T, alpha=-2)
        yield rows, distances.clamp_(min=0)


def radii(x: Array, k: int, device: torch.device) -> Array:
    """Squared distance of each row to its k-th nearest other row, (n,)."""
    found = np.empty(len(x), dtype=np.float32)
    for rows, distances in distance_blocks(x, x, device):
        own = torch.arange(rows.start, rows.stop, device=device)
        distances[own - rows.start, own] = torch.inf
        found[rows] = distances.topk(k, largest=False).values[:, -1].cpu().numpy()
    return found


def nearest(x: Array, y: Array, device: torch.device) -> Array:
    """Index of the row of y nearest to each row of x, int64 (n,)."""
    found = np.empty(len(x), dtype=np.int64)
    for rows, distances in distance_blocks(x, y, device):
        found[rows] = distances.argmin(1).cpu().numpy()
    return found


def row_distances(x: Array, y: Array) -> Array:
    """Distance of each row of x to the same row of y, by subtraction: exactly 0 for equal rows."""
    return np.linalg.norm(x.astype(np.float64) - y, axis=1)
