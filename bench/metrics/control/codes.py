"""Which codes of a model are changed, and which values they take."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bench.api import Code, Codes
from bench.errors import BenchError

WIDEST = 64  # columns: of more, those of the largest variance are measured
BEYOND = 8.0
MOST_VALUES = 64  # of a categorical code: of more, the most frequent


@dataclass(frozen=True)
class Grid:
    """The values of one code: rows of its columns (m, width), ascending if the code is ordered, and their weights."""

    code: Code
    rows: Tensor  # (m, width)
    shares: NDArray[
        np.float64
    ]  # (m,): the mean over the prior of a function of the code is that of its values, weighted
    ordered: bool
    products: NDArray[np.float64] | None = None  # (m, m): its mean square, likewise; by default diag(shares)

    @property
    def values(self) -> NDArray[np.float64]:
        """The values as numbers, (m,): those of a single column, else their places in the grid."""
        single = self.rows.shape[1] == 1
        return self.rows[:, 0].double().numpy() if single else np.arange(len(self.rows), dtype=np.float64)


def code_layout(model: object, columns: int) -> tuple[Code, ...]:
    """The codes that a model declares, else one continuous code for each column.

    Raises `BenchError` if it declares anything but codes with columns of their own.
    """
    declared = getattr(model, "code_layout", None)
    if declared is None:
        return tuple(Code(f"code {column}", "continuous", (column,)) for column in range(columns))
    layout = tuple(declared)
    for code in layout:
        _check(code, columns)
    if not layout:
        raise BenchError("code_layout: expected at least one code, got none")
    used = [column for code in layout for column in code.columns]
    if len(set(used)) < len(used):
        raise BenchError(f"code_layout: expected codes with columns of their own, got {layout}")
    return layout


def _check(code: Code, columns: int) -> None:
    if not isinstance(code, Code):
        raise BenchError(f"code_layout: expected a tuple of bench.Code, got {code!r}")
    outside = [column for column in code.columns if not 0 <= column < columns]
    if outside or not code.columns:
        raise BenchError(f"code_layout: expected columns from 0 to {columns - 1} for {code.name!r}, got {code.columns}")
    widths = {"continuous": (1, 1), "circular": (1, 2), "categorical": (1, columns)}
    if code.kind not in widths:
        raise BenchError(
            f"code_layout: expected one of {', '.join(widths)} as kind of {code.name!r}, got {code.kind!r}"
        )
    low, high = widths[code.kind]
    if not low <= len(code.columns) <= high:
        expected = "1 column" if high == 1 else f"{low} to {high} columns"
        raise BenchError(f"code_layout: expected {expected} for the {code.kind} {code.name!r}, got {len(code.columns)}")


def widest(layout: Sequence[Code], draws: Codes, most: int = WIDEST) -> list[Code]:
    """At most `most` codes, in their order: of more, first those declared as not continuous, then the widest others."""
    if len(layout) <= most:
        return list(layout)
    variances = draws.double().var(dim=0, correction=0)
    width = [variances[code.columns[0]] if code.kind == "continuous" else torch.inf for code in layout]
    best = np.sort(np.argsort(-np.array(width, dtype=np.float64), kind="stable")[:most])
    return [layout[index] for index in best]


def code_table(layout: Sequence[Code], codes: Codes) -> NDArray[np.float64]:
    """One number for each code, (n, k): a value, the number of a one-hot value, or an angle in turns."""
    return torch.stack([_as_number(code, codes[:, list(code.columns)].double()) for code in layout], dim=1).numpy()


def _as_number(code: Code, columns: Tensor) -> Tensor:
    if columns.shape[1] == 1:
        return columns[:, 0]
    if code.kind == "circular":
        return torch.atan2(columns[:, 1], columns[:, 0]) / (2 * torch.pi) % 1.0
    return columns.argmax(dim=1).double()


def independent(codes: Codes, layout: Sequence[Code], rng: torch.Generator) -> Codes:
    """The same values of each code (n, d), in an order of its own: codes that do not depend on each other."""
    mixed = codes.clone()
    for code in layout:
        columns = list(code.columns)
        mixed[:, columns] = codes[torch.randperm(len(codes), generator=rng)][:, columns]
    return mixed


def grids(layout: Sequence[Code], draws: Codes, m: int) -> list[Grid]:
    """The values of each code, from draws of all codes (n, d): see `Grid`.

    A continuous code takes the mid-points of m equally probable strata, around which readings are taken to be linear, or
    each of its values if it has no more than m.
    A circular code takes m equally spaced angles, and a categorical one each of its values.
    """
    return [_grid(code, draws[:, list(code.columns)].double().cpu(), m) for code in layout]


def _grid(code: Code, draws: Tensor, m: int) -> Grid:
    if code.kind == "categorical":
        rows, counts = torch.unique(draws, dim=0, return_counts=True)
        if draws.shape[1] > 1:  # one-hot: the first value first
            rows, counts = rows.flip(0), counts.flip(0)
        frequent = counts.argsort(descending=True, stable=True)[:MOST_VALUES].sort().values
        rows, counts = rows[frequent], counts[frequent]
        return Grid(code, rows.float(), (counts / counts.sum()).double().numpy(), ordered=False)
    shares, steps = np.full(m, 1 / m), (torch.arange(m, dtype=torch.float64) + 0.5) / m
    if draws.shape[1] == 2:
        radius = draws.square().sum(1).sqrt().mean()
        turns = 2 * torch.pi * steps
        return Grid(code, (radius * torch.stack([turns.cos(), turns.sin()], dim=1)).float(), shares, ordered=False)
    ordered = code.kind == "continuous"
    values, counts = draws[:, 0].unique(return_counts=True)
    if len(values) <= m:  # as many as there are
        return Grid(code, values[:, None].float(), (counts / counts.sum()).double().numpy(), ordered)
    rows = torch.quantile(draws[:, 0], steps)
    if not ordered:
        return Grid(code, rows[:, None].float(), shares, ordered)
    rows = rows.unique()
    weights = tangents(rows.numpy(), draws[:, 0].numpy())
    return Grid(code, rows[:, None].float(), weights.mean(axis=0), ordered, weights.T @ weights / len(weights))


def tangents(values: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[np.float64]:
    """The weights (n, m) with which readings at m ascending values give those at n points: the tangent at the nearest.

    Beyond the first and the last value the tangent is followed for at most BEYOND steps of the grid.
    """
    if len(values) == 1:
        return np.ones((len(points), 1))
    steps = np.diff(values)
    points = np.clip(points, values[0] - BEYOND * steps[0], values[-1] + BEYOND * steps[-1])
    nearest = np.searchsorted((values[1:] + values[:-1]) / 2, points)
    slopes = np.gradient(np.eye(len(values)), values, axis=0)
    return np.eye(len(values))[nearest] + (points - values[nearest])[:, None] * slopes[nearest]


def checked_codes(codes: object, n: int, what: str) -> Codes:
    """A copy of codes on the CPU. Raises `BenchError` unless they are finite floats of n rows and some columns."""
    if not (isinstance(codes, Tensor) and codes.is_floating_point() and codes.ndim == 2):
        found = f"{tuple(codes.shape)} {codes.dtype}" if isinstance(codes, Tensor) else type(codes).__name__
        raise BenchError(f"{what}: expected a table of floats, got {found}")
    if len(codes) != n or not codes.shape[1]:
        raise BenchError(f"{what}: expected {n} rows and at least one column, got {tuple(codes.shape)}")
    if not bool(codes.isfinite().all()):
        raise BenchError(f"{what}: expected finite codes, got {int((~codes.isfinite()).sum())} that are nan or inf")
    return codes.detach().float().cpu()
