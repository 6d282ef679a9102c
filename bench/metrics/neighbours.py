"""Nearest neighbours under the Euclidean distance, a block of rows at a time."""

from collections.abc import Iterable, Iterator

import numpy as np
import torch
from torch import Tensor

from bench.metrics.cache import Array
from bench.metrics.precision import full_precision
from bench.metrics.products import Block, Room, Rows, both, slices, sweep

ROWS = 1024  # rows of distances in memory at once, at most
SPARE = 3  # neighbours beyond the k-th that are kept, so that rounding errors cannot hide it


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


def nearest_in_blocks(x: Array, blocks: Iterable[Array], device: torch.device) -> Array:
    """Index of the row nearest to each row of x among those of all blocks, counted through, int64 (n,)."""
    best, index, start = np.full(len(x), np.inf, dtype=np.float32), np.zeros(len(x), dtype=np.int64), 0
    for block in blocks:
        for rows, squares in distance_blocks(x, block, device):
            near, place = (value.cpu().numpy() for value in squares.min(1))
            closer = near < best[rows]
            best[rows][closer], index[rows][closer] = near[closer], start + place[closer]
        start += len(block)
    return index


class Nearest:
    """Reads the nearest other rows of each row of one set: a few more than k, in the precision of the products."""

    def __init__(self, rows: Rows, k: int) -> None:
        self._rows, self._k = rows, k
        shape, device = (len(rows), k + SPARE), rows.values.device
        self._distances = torch.full(shape, torch.inf, dtype=rows.values.dtype, device=device)
        self._places = torch.zeros(shape, dtype=torch.int64, device=device)
        self._room, self._turned = (Room(rows.values.dtype, device) for _ in range(2))

    def read(self, block: Block) -> None:
        squares = self._rows.squares.to(self._distances.dtype)
        distances = torch.mul(block.products, -2, out=self._room(*block.products.shape))
        distances.add_(squares[block.rows, None]).add_(squares[block.columns])
        if block.diagonal:
            distances.fill_diagonal_(torch.inf)
        self._merge(block.rows, block.columns, distances)
        if block.mirrored:
            turned = self._turned(*distances.T.shape).copy_(distances.T)
            self._merge(block.columns, block.rows, turned)

    def _merge(self, rows: slice, columns: slice, distances: Tensor) -> None:
        keep = self._distances.shape[1]
        near, place = distances.topk(min(keep, distances.shape[1]), largest=False)
        near, place = (
            torch.cat([self._distances[rows], near], 1),
            torch.cat([self._places[rows], place + columns.start], 1),
        )
        self._distances[rows], order = near.topk(keep, largest=False)
        self._places[rows] = place.gather(1, order)

    def radii(self) -> Array:
        """Squared distance of each row to its k-th nearest other row, float64 (n,), as if all were taken in float64.

        The nearest rows are known up to a rounding error. Those that it could exchange with the k-th are subtracted in
        float64; if some of them may have been left out, the row is compared with all others in float64.
        """
        near, places = (value.cpu().numpy().astype(kind) for value, kind in
                        ((self._distances, np.float64), (self._places, np.int64)))  # fmt: skip
        kth = near[:, self._k - 1, None]
        slack = 2 * self._rows.rounding * (3 * self._rows.squares.cpu().numpy()[:, None] + 2 * kth)
        unsure = np.abs(near - kth) <= slack
        i, column = unsure.nonzero()
        x = self._rows.features
        candidates = np.full(near.shape, np.inf)
        candidates[i, column] = pair_distances(x, i, x, places[i, column])
        candidates.sort(axis=1)
        below = (near < kth - slack).sum(1)
        found = candidates[np.arange(len(near)), self._k - 1 - below]
        (open_rows,) = (unsure[:, -1] & (found > 0)).nonzero()
        for part in slices(len(open_rows)):
            found[open_rows[part]] = self._again(open_rows[part])
        return found

    def _again(self, part: Array) -> Array:
        """The same for some rows, from distances to all others in float64."""
        some = self._rows.in_float64(part)
        columns = []
        for others in slices(len(self._rows)):
            other = self._rows.in_float64(others)
            columns.append(some.squares[:, None] + other.squares - 2 * some.values @ other.values.T)
        distances = torch.cat(columns, 1)
        distances[torch.arange(len(part)), part] = torch.inf
        place = distances.topk(self._k, largest=False).indices[:, -1].cpu().numpy()
        return pair_distances(self._rows.features, part, self._rows.features, place)


def radii(x: Array, k: int, device: torch.device) -> Array:
    """Squared distance of each row to its k-th nearest other row, float64 (n,), as if all were taken in float64."""
    rows = both(x, x, device)[1]
    reader = Nearest(rows, k)
    sweep(rows, rows, [reader])
    return reader.radii()


def pair_distances(x: Array, i: Array, y: Array, j: Array) -> Array:
    """Squared distances of the rows i of x to the rows j of y, one by one, by subtraction in float64: exactly 0 if equal."""
    found = np.empty(len(i))
    for part in slices(len(i)):
        found[part] = np.square(x[i[part]].astype(np.float64) - y[j[part]]).sum(1)
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
