"""Inner products of the rows of two sets of features, a block at a time: distances and kernels are made of them.

All rows are first shifted by one centre. Their products are then small, so that few digits are lost in float32, and
what the shift takes from distances (nothing) and from kernels (a number for each row) is added back in float64. Each
block is computed once and handed to all readers: to one for distances and to one for kernels.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from bench.errors import BenchError
from bench.metrics.cache import Array
from bench.metrics.precision import full_precision

SIDE = 1024  # rows and columns of a block, at most


class Rows:
    """Features less a centre, on a device, and what their products lack to become distances and kernels."""

    def __init__(self, features: Array, centre: Array, device: torch.device, dtype: np.dtype | None = None) -> None:
        """`features` (n, d), `centre` (d,). Raises `BenchError` if a feature is not finite."""
        kind = dtype or np.result_type(features, np.float32)
        origin = centre.astype(kind)
        self.features, self.centre = np.ascontiguousarray(features), centre
        self.values = torch.from_numpy(features.astype(kind, copy=False) - origin).to(device)
        exact, c = self.values.new_empty(0, dtype=torch.float64), torch.from_numpy(origin.astype(np.float64))
        squares = [part.double().square().sum(1) for part in self.values.split(SIDE)]
        shifts = [torch.from_numpy(features[part].astype(np.float64)) @ c for part in slices(len(features))]
        self.squares = torch.cat([exact, *squares])  # |x - c|^2
        self.shifts = torch.cat([exact.cpu(), *shifts]).to(device) - c.square().sum() / 2  # the kernel adds two of them
        if not bool(self.squares.isfinite().all()):
            raise BenchError("features: expected finite values, got nan or inf")

    def __len__(self) -> int:
        return len(self.values)

    @property
    def dim(self) -> int:
        return self.values.shape[1]

    @property
    def rounding(self) -> float:
        """A bound of the error of a squared distance made of products, relative to |x - c|^2 + |y - c|^2."""
        return (self.dim + 16) * torch.finfo(self.values.dtype).eps / 2

    def in_float64(self, rows: slice | Array) -> "Rows":
        """Some of the rows, for products in float64."""
        return Rows(self.features[rows], self.centre, self.values.device, np.dtype(np.float64))


@dataclass(frozen=True)
class Block:
    """The products of some rows of `left` with some of `right`, valid until the next block is computed."""

    left: Rows
    right: Rows
    rows: slice
    columns: slice
    products: Tensor  # (rows, columns)

    @property
    def diagonal(self) -> bool:
        """Whether rows meet themselves."""
        return self.left is self.right and self.rows == self.columns

    @property
    def mirrored(self) -> bool:
        """Whether this block stands for its transpose as well."""
        return self.left is self.right and self.rows != self.columns


class Reader(Protocol):
    """What takes something from each block, and leaves its products unchanged."""

    def read(self, block: Block) -> None: ...


def both(x: Array, y: Array, device: torch.device) -> tuple[Rows, Rows]:
    """Two sets of features around the mean of the second, in one precision: float32, or float64 if either is.

    Raises `BenchError` unless they are (n, d) and (m, d) with n and m at least 1, and finite.
    """
    if x.ndim != 2 or y.ndim != 2 or x.shape[1] != y.shape[1] or not min(x.size, y.size):
        raise BenchError(f"features: expected shapes (n, d) and (m, d), got {x.shape} and {y.shape}")
    centre: Array = np.asarray(np.mean(y, axis=0, dtype=np.float64))
    kind = np.result_type(x, y, np.float32)
    return Rows(x, centre, device, kind), Rows(y, centre, device, kind)


def sweep(left: Rows, right: Rows, readers: Iterable[Reader]) -> None:
    """Hand each block of products to all readers; within one set, only those on and above the diagonal."""
    for block in _blocks(left, right):
        for reader in readers:
            with full_precision(block.products.device):
                reader.read(block)


def slices(n: int) -> list[slice]:
    """0 to n in parts of `SIDE`."""
    return [slice(start, min(start + SIDE, n)) for start in range(0, n, SIDE)]


def _blocks(left: Rows, right: Rows) -> Iterator[Block]:
    room = Room(left.values.dtype, left.values.device)
    for rows in slices(len(left)):
        for columns in slices(len(right)):
            if left is right and columns.start < rows.start:
                continue
            part, other = left.values[rows], right.values[columns]
            with full_precision(part.device):
                products = torch.mm(part, other.T, out=room(len(part), len(other)))
            yield Block(left, right, rows, columns, products)


class Room:
    """Memory for one block, used again for the next: to ask for it each time takes longer than to fill it."""

    def __init__(self, dtype: torch.dtype, device: torch.device) -> None:
        self._all = torch.empty(SIDE * SIDE, dtype=dtype, device=device)

    def __call__(self, rows: int, columns: int) -> Tensor:
        return self._all[: rows * columns].view(rows, columns)
