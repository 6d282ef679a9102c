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
from bench.metrics.exam import Exam
from bench.metrics.metric import Measured
from bench.metrics.neighbours import blocks, radii

K = 5


@dataclass(frozen=True)
class Manifold:
    """The four fractions; density may exceed 1."""

    precision: float
    recall: float
    density: float
    coverage: float


def manifold(samples: Array, real: Array, device: torch.device, real_radii: Array | None = None) -> Manifold:
    """From features (n, d) and (m, d); `real_radii` where they are known. Raises `BenchError` for k images or fewer."""
    fewest = min(len(samples), len(real))
    if fewest <= K:
        raise BenchError(f"precision and recall need more than k={K} images of either kind, got {fewest}")
    r_samples = torch.from_numpy(radii(samples, K, device)).to(device)
    r_real = torch.from_numpy(radii(real, K, device) if real_radii is None else real_radii).to(device)
    inside = torch.zeros(len(samples), dtype=torch.int64, device=device)
    recalled, covered = (torch.zeros(len(real), dtype=torch.bool, device=device) for _ in range(2))
    for rows, distances in blocks(samples, real, device):
        held = distances <= r_real
        inside[rows] = held.sum(1)
        covered |= held.any(0)
        recalled |= (distances <= r_samples[rows, None]).any(0)
    mean: Callable[[torch.Tensor], float] = lambda values: float(values.double().mean())  # noqa: E731
    return Manifold(mean(inside > 0), mean(recalled), mean(inside) / K, mean(covered))


def part(name: str, space: str) -> Callable[[Exam], Measured]:
    """One of the four, in a feature space."""

    def compute(exam: Exam) -> Measured:
        return Measured(getattr(_manifold(exam, space), name), exam.n)

    return compute


def _manifold(exam: Exam, space: str) -> Manifold:
    return exam.once(f"manifold-{space}", partial(_measure, exam, space))


def _measure(exam: Exam, space: str) -> Manifold:
    real = exam.real_features(space)
    known = exam.kept(
        f"radii-{space}", space, (exam.real_digest, str(K)), lambda: np.asarray(radii(real, K, exam.device))
    )
    return manifold(exam.features(space), real, exam.device, known)
