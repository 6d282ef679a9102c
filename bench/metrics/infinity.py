"""FD-infinity: the Frechet distance that infinitely many samples would have (Chong and Forsyth, arXiv 1911.07023).

The distance between n samples and n real images exceeds its limit by about a constant over n. A straight line in 1/n
through the distances of whole, halves and quarters gives the limit and its standard error.
"""

from collections.abc import Callable

import numpy as np

from bench.errors import BenchError
from bench.metrics.exam import Exam
from bench.metrics.fidelity import frechet_from_features
from bench.metrics.metric import Measured
from bench.metrics.spaces import Features

SPLITS = (1, 2, 4)  # into how many disjoint parts: all of them are used


def extrapolate(x: Features, y: Features) -> tuple[float, float]:
    """The limit and its standard error, from as many rows of either as the smaller has, in their order."""
    n = min(len(x), len(y))
    if n < 2 * max(SPLITS):
        raise BenchError(f"fd-infinity needs {2 * max(SPLITS)} images of either kind, got {n}: choose a larger budget")
    points = [
        (1 / size, frechet_from_features(x[start : start + size], y[start : start + size]))
        for size in (n // split for split in SPLITS)
        for start in range(0, n - size + 1, size)
    ]
    return intercept(*np.array(points).T)


def intercept(x: Features, y: Features) -> tuple[float, float]:
    """Where the least-squares line through (x, y) meets x = 0, and the standard error of that."""
    design = np.stack([np.ones_like(x), x], axis=1)
    inverse = np.linalg.inv(design.T @ design)
    line = inverse @ design.T @ y
    residual = y - design @ line
    variance = residual @ residual / (len(y) - 2) * inverse[0, 0]
    return float(line[0]), float(np.sqrt(variance))


def fd_infinity(space: str) -> Callable[[Exam], Measured]:
    """The limit, which may be a little below zero; its standard error is the part `se`."""

    def compute(exam: Exam) -> Measured:
        value, error = extrapolate(exam.features(space), exam.real_features(space))
        return Measured(value, exam.n, {"se": error})

    return compute
