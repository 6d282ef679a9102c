"""Precision, recall (arXiv 1904.06991), density, coverage (arXiv 2002.09797) from balls around each image.

A ball reaches to the k-th nearest image of the same set. Precision: samples in some ball of a real image. Recall: real
images in some ball of a sample. Density: balls of real images that hold a sample, over k. Coverage: balls of real
images that hold some sample.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch

from bench.errors import BenchError
from bench.metrics.cache import Array
from bench.metrics.context import EvaluationContext
from bench.metrics.metric import Measured
from bench.metrics.neighbours import distance_blocks, radii

K = 5


@dataclass(frozen=True)
class Manifold:
    """The four fractions; density may exceed 1."""

    precision: float
    recall: float
    density: float
    coverage: float


def manifold(samples: Array, real: Array, device: torch.device, real_radii: Array | None = None) -> Manifold:
    """From features (n, d) and (m, d); `real_radii`: squared radii (m,), if known.

    Raises `BenchError` if either has k rows or fewer.
    """
    fewest = min(len(samples), len(real))
    if fewest <= K:
        raise BenchError(f"precision and recall: expected more than k={K} samples and reference images, got {fewest}")
    r_samples = torch.from_numpy(radii(samples, K, device)).to(device)
    r_real = torch.from_numpy(radii(real, K, device) if real_radii is None else real_radii).to(device)
    inside = torch.zeros(len(samples), dtype=torch.int64, device=device)
    recalled, covered = (torch.zeros(len(real), dtype=torch.bool, device=device) for _ in range(2))
    for rows, distances in distance_blocks(samples, real, device):
        held = distances <= r_real
        inside[rows] = held.sum(1)
        covered |= held.any(0)
        recalled |= (distances <= r_samples[rows, None]).any(0)
    mean: Callable[[torch.Tensor], float] = lambda values: float(values.double().mean())  # noqa: E731
    return Manifold(mean(inside > 0), mean(recalled), mean(inside) / K, mean(covered))


def part(name: str, space: str) -> Callable[[EvaluationContext], Measured]:
    """One of the four fractions (a field of `Manifold`) in a feature space."""

    def compute(context: EvaluationContext) -> Measured:
        return Measured(getattr(_manifold(context, space), name), context.n)

    return compute


def _manifold(context: EvaluationContext, space: str) -> Manifold:
    return context.memoize(f"manifold-{space}", partial(_measure, context, space))


def _measure(context: EvaluationContext, space: str) -> Manifold:
    real = context.real_features(space)
    known = context.cached(
        f"radii-{space}", space, (context.real_digest, str(K)), lambda: np.asarray(radii(real, K, context.device))
    )
    return manifold(context.features(space), real, context.device, known)
