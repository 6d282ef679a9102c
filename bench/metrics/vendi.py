"""The Vendi score: how many different images there seem to be (arXiv 2210.02410)."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from bench.errors import BenchError
from bench.metrics.checks import as_features
from bench.metrics.context import EvaluationContext
from bench.metrics.metric import Measured


def vendi(space: str) -> Callable[[EvaluationContext], Measured]:
    """The score of the samples in a feature space."""

    def compute(context: EvaluationContext) -> Measured:
        return Measured(vendi_score(context.features(space)), context.n)

    return compute


def vendi_score(x: ArrayLike) -> float:
    """The exponential of the entropy of the eigenvalues of K / n, where K holds the cosines of all pairs of rows.

    x: features (n, d). The score is 1 if all rows have one direction, and n if every two are orthogonal; at most
    min(n, d). Raises `BenchError` for what is not features, and for rows of length 0, which have no direction.
    """
    rows = as_features(x, "x").astype(np.float64)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    if not len(rows) or not (lengths > 0).all():
        raise BenchError("x: expected features of at least one image, none of them all zero")
    rows /= lengths
    products = rows @ rows.T if len(rows) < rows.shape[1] else rows.T @ rows  # both have the same eigenvalues but zeros
    values = np.linalg.eigvalsh(products / len(rows))
    values = values[values > 0]
    return float(np.exp(-(values * np.log(values)).sum()))
