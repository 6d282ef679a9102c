"""Values to bins: equal width for continuous columns, one bin for each value of a categorical one."""

import numpy as np
from numpy.typing import NDArray

from bench.errors import BenchError
from bench.metrics.control.oracle import Kind
from bench.metrics.disentanglement.inputs import Array

Bins = NDArray[np.int64]

BINS = 20


def equal_width(values: Array, bins: int = BINS) -> Bins:
    """The bin of each value (n,), of `bins` equally wide ones between the smallest and the largest.

    The largest value is in the last bin; constant values are all in bin 0. Raises `BenchError` for less than two bins.
    """
    if bins < 2:
        raise BenchError(f"expected at least 2 bins, got {bins}")
    low, width = values.min(), np.ptp(values)
    if width == 0:
        return np.zeros(len(values), dtype=np.int64)
    return np.minimum((values - low) / width * bins, bins - 1).astype(np.int64)


def binned_factor(values: Array, kind: Kind, bins: int = BINS) -> Bins:
    """The bins of one factor (n,): values as they are if categorical, arcs of 1 / bins turns if circular."""
    if kind == "categorical":
        return np.unique(values, return_inverse=True)[1]
    if kind == "circular":
        return np.minimum(values * bins, bins - 1).astype(np.int64)
    return equal_width(values, bins)
