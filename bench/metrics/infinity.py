"""FD-infinity: the Frechet distance that infinitely many samples would have (Chong and Forsyth, arXiv 1911.07023).

The distance between n samples and n real images exceeds its limit by about a constant over n. A straight line in 1/n
through the distances of all images, of two thirds and of halves gives the limit and its standard error. Smaller parts
would make the error smaller and the limit wrong: below n = d, the distance grows slower than 1/n.
"""

from collections.abc import Callable

import numpy as np

from bench.errors import BenchError
from bench.metrics.cache import Array
from bench.metrics.context import EvaluationContext
from bench.metrics.fidelity import frechet_from_features
from bench.metrics.metric import Measured

PARTS = (
    (1, 1),
    (2 / 3, 3),
    (1 / 2, 2),
)  # size as a fraction of n, and the number of subsets, evenly spaced over the rows
FEWEST = 8  # samples, and reference images


def extrapolate(x: Array, y: Array) -> tuple[float, float]:
    """The limit and its standard error from features (n, d) and (m, d), using the first min(n, m) rows of both.

    Raises `BenchError` if either has fewer than eight rows.
    """
    n = min(len(x), len(y))
    if n < FEWEST:
        raise BenchError(f"fd-infinity: expected at least {FEWEST} samples and reference images, got {n}")
    points = []
    for fraction, count in PARTS:
        size = round(n * fraction)
        for part in range(count):
            rows = (np.arange(size) + part * n // count) % n
            points.append((1 / size, frechet_from_features(x[rows], y[rows])))
    return intercept(*np.array(points).T)


def intercept(x: Array, y: Array) -> tuple[float, float]:
    """The intercept at x = 0 of the least-squares line through (x, y), and its standard error."""
    design = np.stack([np.ones_like(x), x], axis=1)
    inverse = np.linalg.inv(design.T @ design)
    line = inverse @ design.T @ y
    residual = y - design @ line
    variance = residual @ residual / (len(y) - 2) * inverse[0, 0]
    return float(line[0]), float(np.sqrt(variance))


def fd_infinity(space: str) -> Callable[[EvaluationContext], Measured]:
    """The limit in a feature space; it may be slightly negative. Part `se`: its standard error."""

    def compute(context: EvaluationContext) -> Measured:
        value, error = extrapolate(context.features(space), context.real_features(space))
        return Measured(value, context.n, {"se": error})

    return compute
