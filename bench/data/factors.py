"""Rows of factor values of the data sets that draw their images: chosen at random, and checked before they are drawn."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bench.api import Codes, Factor
from bench.errors import BenchError


def random_rows(factors: Sequence[Factor], n: int, rng: torch.Generator) -> Codes:
    """n rows of values, float32 (n, f), uniform and independent: a factor with a count takes that many even steps."""
    uniform = torch.rand(n, len(factors), generator=rng, dtype=torch.float64, device=rng.device).cpu()
    columns = [_spread(factor, column) for factor, column in zip(factors, uniform.T, strict=True)]
    return torch.stack(columns, dim=1).float()


def _spread(factor: Factor, uniform: Tensor) -> Tensor:
    if factor.count is not None:
        uniform = (uniform * factor.count).floor() / max(1, factor.count - 1)
    return factor.low + (factor.high - factor.low) * uniform


def checked_rows(factors: Sequence[Factor], rows: Codes) -> NDArray[np.float32]:
    """The rows as an array of float32 (n, f).

    Linear values may be anything in their range, categorical ones are whole numbers, and circular ones may exceed one
    turn. Raises `BenchError` for other values and shapes.
    """
    shape = tuple(rows.shape)
    if len(shape) != 2 or shape[1] != len(factors):
        raise BenchError(f"factors: expected shape (n, {len(factors)}), got {shape}")
    values = rows.detach().cpu().numpy().astype(np.float32)
    for factor, column in zip(factors, values.T, strict=True):
        _check(factor, column)
    return values


def _check(factor: Factor, values: NDArray[np.float32]) -> None:
    wrong = ~np.isfinite(values)
    if factor.kind != "circular":
        wrong |= (values < np.float32(factor.low)) | (values > np.float32(factor.high))
    if factor.kind == "categorical":
        wrong |= values != np.rint(values)
    if wrong.any():
        kind = "a whole number" if factor.kind == "categorical" else "a number"
        where = "" if factor.kind == "circular" else f" from {factor.low:g} to {factor.high:g}"
        raise BenchError(f"factor {factor.name}: expected {kind}{where}, got {values[wrong][0]:g}")
