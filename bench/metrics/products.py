"""Inner products of the rows of two sets of features, a block at a time: distances and kernels are made of them.

Each set is first shifted by its mean. Products are then small, so that few digits are lost in float32, and what the
shift takes from distances and kernels, a number for each row, is added back in float64. Each block is computed once and
handed to all readers: one makes distances of it, another one kernels.
"""

from collections.abc import Callable, Iterable, Iterator
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
    """Features less a centre, on a device."""

    def __init__(self, features: Array, device: torch.device, kind: np.dtype, centre: Array | None = None) -> None:
        """`features` (n, d); `centre` (d,), by default their mean. Raises `BenchError` if a feature is not finite."""
        self.features = np.ascontiguousarray(features)
        if not np.isfinite(self.features).all():
            raise BenchError("features: expected finite values, got nan or inf")
        middle = np.mean(features, axis=0, dtype=np.float64).astype(kind) if centre is None else centre.astype(kind)
        self.values = torch.from_numpy(self.features.astype(kind, copy=False) - middle).to(device)
        self.centre: Array = middle.astype(np.float64)
        self.squares = self.distances_to(self.centre)

    def __len__(self) -> int:
        return len(self.values)

    @property
    def dim(self) -> int:
        return self.values.shape[1]

    @property
    def rounding(self) -> float:
        """A bound of the error of a squared distance made of products, relative to the squares that it is made of."""
        return (self.dim + 16) * torch.finfo(self.values.dtype).eps / 2

    def distances_to(self, point: Array) -> Tensor:
        """Squared distance of each row to a point (d,), in float64."""
        return self._each(lambda part: np.square(part - point).sum(1))

    def products_with(self, point: Array) -> Tensor:
        """Inner product of each row with a point (d,), in float64."""
        return self._each(lambda part: part @ point)

    def in_float64(self, rows: slice | Array) -> "Rows":
        """Some of the rows, for products in float64."""
        return Rows(self.features[rows], self.values.device, np.dtype(np.float64), self.centre)

    def _each(self, measure: Callable[[Array], Array]) -> Tensor:
        found = [measure(self.features[part].astype(np.float64)) for part in slices(len(self.features))]
        return torch.from_numpy(np.concatenate(found)).to(self.values.device)


class Terms:
    """What is added to the product a.b of two rows less their centres, x = a + p and y = b + q: a number for each row."""

    def __init__(self, left: Rows, right: Rows) -> None:
        p, q = left.centre, right.centre
        gap = float(np.square(p - q).sum())
        # |x - y|^2 = |x - q|^2 + |y - p|^2 - |p - q|^2 - 2 a.b
        squares = (left.distances_to(q), right.distances_to(p)) if left is not right else (left.squares, right.squares)
        self.distances = (squares[0], squares[1] - gap)
        # x.y = x.q + y.p - p.q + a.b
        shift = float(p @ q) / 2
        kernels = left.products_with(q) - shift
        self.kernels = (kernels, kernels if left is right else right.products_with(p) - shift)
        self.errors = tuple(  # of squared distances: the sum of both is a bound
            rows.rounding * (torch.maximum(rows.squares, square) + gap)
            for rows, square in zip((left, right), squares, strict=True)
        )


@dataclass(frozen=True)
class Block:
    """The products of some rows of `left` with some of `right`, valid until the next block is computed."""

    left: Rows
    right: Rows
    terms: Terms
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
    """Two sets of features in one precision: float32, or float64 if either is.

    Raises `BenchError` unless they are (n, d) and (m, d) with n and m at least 1, and finite.
    """
    if x.ndim != 2 or y.ndim != 2 or x.shape[1] != y.shape[1] or not min(x.size, y.size):
        raise BenchError(f"features: expected shapes (n, d) and (m, d), got {x.shape} and {y.shape}")
    kind = np.result_type(x, y, np.float32)
    return Rows(x, device, kind), Rows(y, device, kind)


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
    room, terms = Room(left.values.dtype, left.values.device), Terms(left, right)
    for rows in slices(len(left)):
        for columns in slices(len(right)):
            if left is right and columns.start < rows.start:
                continue
            part, other = left.values[rows], right.values[columns]
            with full_precision(part.device):
                products = torch.mm(part, other.T, out=room(len(part), len(other)))
            yield Block(left, right, terms, rows, columns, products)


class Room:
    """Memory for one block, used again for the next: to ask for it each time takes longer than to fill it."""

    def __init__(self, dtype: torch.dtype, device: torch.device) -> None:
        self._all = torch.empty(SIDE * SIDE, dtype=dtype, device=device)

    def __call__(self, rows: int, columns: int) -> Tensor:
        return self._all[: rows * columns].view(rows, columns)
