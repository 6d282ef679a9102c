"""Precision, recall (arXiv 1904.06991), density, coverage (arXiv 2002.09797) from balls around each image.

A ball reaches to the k-th nearest image of the same set. Precision: samples in some ball of a real image. Recall: real
images in some ball of a sample. Density: balls of real images that hold a sample, over k. Coverage: balls of real
images that hold some sample.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch

from bench.errors import BenchError
from bench.metrics.balls import Balls, K
from bench.metrics.cache import Array
from bench.metrics.checks import as_features
from bench.metrics.context import EvaluationContext
from bench.metrics.metric import Measured
from bench.metrics.pairs import Pairs, shared


@dataclass(frozen=True)
class Manifold:
    """The four fractions; density may exceed 1."""

    precision: float
    recall: float
    density: float
    coverage: float


def manifold(samples: Array, real: Array, device: torch.device | str = "cpu") -> Manifold:
    """From features (n, d) and (m, d). Raises `BenchError` if either has k rows or fewer."""
    samples, real = as_features(samples, "samples"), as_features(real, "real")
    _check(len(samples), len(real))
    return fractions(Pairs(samples, real, torch.device(device), k=K).balls)


def fractions(balls: Balls) -> Manifold:
    """The four fractions from the balls around samples (left) and real images (right)."""
    mean: Callable[[torch.Tensor], float] = lambda values: float(values.double().mean())  # noqa: E731
    return Manifold(
        precision=mean(balls.holding > 0),
        recall=mean(balls.reached),
        density=mean(balls.holding) / K,
        coverage=mean(balls.occupied),
    )


def part(name: str, space: str) -> Callable[[EvaluationContext], Measured]:
    """One of the four fractions (a field of `Manifold`) in a feature space."""

    def compute(context: EvaluationContext) -> Measured:
        _check(context.n, context.reference)
        return Measured(getattr(fractions(shared(context, space).balls), name), context.n)

    return compute


def _check(n: int, reference: int) -> None:
    fewest = min(n, reference)
    if fewest <= K:
        raise BenchError(f"precision and recall: expected more than k={K} samples and reference images, got {fewest}")
