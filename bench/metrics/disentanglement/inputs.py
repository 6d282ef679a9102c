"""Codes and factors as every measure wants them, or a sentence that says what is wrong with them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from bench.errors import BenchError, nearest
from bench.metrics.control.oracle import Kind

Array = NDArray[np.float64]

FEWEST_ROWS = 40  # two for each of 20 bins
LARGEST = 1e100  # squares of larger numbers may overflow


@dataclass(frozen=True, eq=False)
class Inputs:
    """Codes (n, k), each scaled to [0, 1] (0 if it is constant), and the factors (n, j) that vary.

    `columns` are the columns of the factors in the original array, `left_out` those of one value. Values of a
    categorical factor are replaced by their numbers 0, 1, ..., angles by angles in [0, 1).
    """

    codes: Array
    factors: Array
    kinds: tuple[Kind, ...]
    columns: tuple[int, ...]
    left_out: tuple[int, ...] = ()

    def varying(self, *parts: NDArray[np.int64]) -> "Inputs":
        """Without the factors that have one value in all rows, or in one of the given sets of rows."""
        keep = [j for j, column in enumerate(self.factors.T) if all(np.ptp(column[rows]) > 0 for rows in parts)]
        gone = tuple(column for j, column in enumerate(self.columns) if j not in keep)
        return replace(
            self,
            factors=self.factors[:, keep],
            kinds=tuple(self.kinds[j] for j in keep),
            columns=tuple(self.columns[j] for j in keep),
            left_out=tuple(sorted(self.left_out + gone)),
        )

    def require_factors(self, fewest: int, measure: str) -> None:
        """Raises `BenchError` if fewer factors vary."""
        if len(self.columns) < fewest:
            expected = "a factor that varies" if fewest == 1 else f"at least {fewest} factors that vary"
            gone = ", ".join(map(str, self.left_out))
            found = f"got {len(self.columns)}" + (f" (columns of one value: {gone})" if gone else "")
            raise BenchError(f"{measure}: expected {expected}, {found}")


def checked(codes: object, factors: object, kinds: Sequence[Kind], measure: str, fewest_factors: int = 1) -> Inputs:
    """Check and prepare codes (n, k), factors (n, j) and their j kinds for a measure of that name.

    Raises `BenchError` for values that are not finite, lengths that differ, an unknown kind, fewer than 40 rows, and
    fewer than `fewest_factors` factors that vary.
    """
    x, y = matrix(codes, f"{measure}: codes"), matrix(factors, f"{measure}: factors")
    if len(x) != len(y):
        raise BenchError(f"{measure}: expected as many rows of codes as of factors, got {len(x)} and {len(y)}")
    require_rows(len(x), FEWEST_ROWS, measure)
    _check_kinds(kinds, y.shape[1], measure)
    values = np.stack([_values(column, kind) for column, kind in zip(y.T, kinds, strict=True)], axis=1)
    inputs = Inputs(scaled(x), values, tuple(kinds), tuple(range(y.shape[1]))).varying(np.arange(len(x)))
    inputs.require_factors(fewest_factors, measure)
    return inputs


def matrix(values: object, what: str) -> Array:
    """A float64 copy of a matrix of finite numbers with at least one column. Raises `BenchError` for anything else."""
    array = np.array(values, dtype=np.float64)
    if array.ndim != 2 or array.shape[1] == 0:
        raise BenchError(f"{what}: expected a matrix with at least one column, got shape {array.shape}")
    require_finite(array, what)
    return array


def require_finite(array: Array, what: str) -> None:
    """Raises `BenchError` for NaN, infinity and numbers beyond 1e100."""
    bad = int((~(np.abs(array) <= LARGEST)).sum())  # also counts NaN
    if bad:
        raise BenchError(f"{what}: expected finite values, got {bad} of {array.size} that are nan, inf or above 1e100")


def require_rows(n: int, fewest: int, measure: str) -> None:
    """Raises `BenchError` for fewer than `fewest` rows."""
    if n < fewest:
        raise BenchError(f"{measure}: expected at least {fewest} rows, got {n}")


def scaled(codes: Array) -> Array:
    """Each column on [0, 1], a constant one on 0. No measure depends on origin and unit of a code, rounding does."""
    low, width = codes.min(axis=0), np.ptp(codes, axis=0)
    return np.divide(codes - low, width, out=np.zeros_like(codes), where=width > 0)


def _check_kinds(kinds: Sequence[Kind], factors: int, measure: str) -> None:
    if len(kinds) != factors:
        raise BenchError(f"{measure}: expected a kind for each of {factors} factors, got {len(kinds)}")
    for kind in kinds:
        if kind not in get_args(Kind):
            raise BenchError(
                f"{measure}: expected a kind of factor, got {kind!r}: {nearest(str(kind), get_args(Kind))}"
            )


def _values(column: Array, kind: Kind) -> Array:
    if kind == "categorical":
        return np.unique(column, return_inverse=True)[1].astype(np.float64)
    return column % 1.0 % 1.0 if kind == "circular" else column  # twice: -1e-20 % 1.0 is 1.0
