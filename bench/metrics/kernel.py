"""Kernel distance (KID, arXiv 1801.01401): unbiased squared MMD under the kernel (x.y / d + 1)^3.

Either the mean over random subsets, as published, or of all rows at once (Gretton et al., JMLR 2012, eq. 3): the same
quantity without the noise that the choice of subsets adds.
"""

from collections.abc import Callable

import numpy as np
import torch

from bench.errors import BenchError
from bench.metrics.cache import Array
from bench.metrics.checks import as_features
from bench.metrics.context import EvaluationContext
from bench.metrics.kernel_sums import SUBSETS, choices, subset_size
from bench.metrics.metric import Measured
from bench.metrics.pairs import Pairs, Subsets, shared

MUCH = 8  # of a set so large that all of its pairs are so many times those of the subsets, the subsets are taken alone


def kernel_distance(
    x: Array, y: Array, subsets: int = 100, size: int = 1000, device: torch.device | str = "cpu"
) -> tuple[float, float]:
    """Mean and standard deviation over `subsets` pairs of random subsets of `size` rows; unbiased, so it may be < 0.

    The defaults are the published ones. Raises `BenchError` if a set or `size` has fewer than two rows.
    """
    x, y = _checked(x, y, size)
    if few(len(x), len(y), subsets, size):
        return _spread([_of_all(x[i.numpy()], y[j.numpy()], device) for i, j in choices(len(x), len(y), subsets, size)])
    return _spread(Pairs(x, y, torch.device(device), subsets=Subsets(subsets, size)).kernel_distances[:-1])


def kernel_distance_of_all(x: Array, y: Array, device: torch.device | str = "cpu") -> float:
    """The unbiased squared MMD between all rows of x (n, d) and all of y (m, d); it may be < 0.

    Nothing is drawn, and the order of the rows does not matter. Raises `BenchError` for fewer than two rows.
    """
    x, y = _checked(x, y)
    return _of_all(x, y, device)


def few(n: int, m: int, subsets: int, size: int) -> bool:
    """Whether the subsets together have fewer pairs than the two sets of n and of m rows."""
    return 2 * subsets * size**2 < n * m + (n**2 + m**2) / 2


def _of_all(x: Array, y: Array, device: torch.device | str) -> float:
    return float(Pairs(x, y, torch.device(device), subsets=Subsets(0, 0)).kernel_distances[-1])


def _spread(values: Array | list[float]) -> tuple[float, float]:
    return float(np.mean(values)), float(np.std(values))


def _checked(x: Array, y: Array, size: int = 2) -> tuple[Array, Array]:
    x, y = as_features(x, "the first features"), as_features(y, "the second features")
    fewest = min(len(x), len(y), size)
    if fewest < 2:
        raise BenchError(f"kernel distance: expected at least two rows in each set and each subset, got {fewest}")
    return x, y


# Metrics


def kid(space: str) -> Callable[[EvaluationContext], Measured]:
    """Kernel distance between samples and reference images. Part `sd`: the standard deviation over subsets."""

    def compute(context: EvaluationContext) -> Measured:
        size = subset_size(context.n, context.reference)
        if few(context.n, context.reference, MUCH * SUBSETS, size):  # not worth waiting for all pairs
            x, y = context.features(space), context.real_features(space)
            value, spread = kernel_distance(x, y, SUBSETS, size, context.device)
        else:
            value, spread = _spread(shared(context, space).kernel_distances[:-1])
        return Measured(value, context.n, {"sd": spread})

    return compute


def kid_all(space: str) -> Callable[[EvaluationContext], Measured]:
    """Kernel distance between all samples and all reference images at once."""

    def compute(context: EvaluationContext) -> Measured:
        return Measured(float(shared(context, space).kernel_distances[-1]), context.n)

    return compute
