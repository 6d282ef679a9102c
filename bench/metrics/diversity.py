"""Diversity within a class: the mean distance of two samples of a class over that of two real images of it."""

from functools import partial

import numpy as np
import torch

from bench.api import Data
from bench.errors import BenchError
from bench.metrics.cache import Array
from bench.metrics.classes import require_two
from bench.metrics.exam import Exam
from bench.metrics.metric import Measured
from bench.metrics.neighbours import blocks


def diversity_ratio(exam: Exam) -> Measured:
    """Mean over classes for the samples over mean over classes for the reference, distances in pixels."""
    require_two(exam)
    samples, real = exam.samples, exam.real
    theirs = exam.kept("spread-pixels", "", (exam.real_digest,), partial(spread, real, exam.device)).mean()
    if theirs == 0:
        raise BenchError(
            f"all reference images of each class of {exam.spec.name} are the same: no diversity to compare"
        )
    return Measured(float(spread(samples, exam.device).mean() / theirs), exam.n)


def spread(data: Data, device: torch.device) -> Array:
    """For each class the mean Euclidean distance between two different images of it, pixels in [0, 1]: (k,)."""
    flat = data.images.flatten(1).numpy().astype(np.float32) / 255
    labels = data.labels.cpu().numpy()
    members = [flat[labels == label] for label in range(len(data.spec.classes))]
    return np.array([_mean_distance(images, device) for images in members], dtype=np.float32)


def _mean_distance(x: Array, device: torch.device) -> float:
    total = 0.0
    for rows, distances in blocks(x, x, device):
        own = torch.arange(rows.start, rows.stop, device=device)
        distances[own - rows.start, own] = 0
        total += float(distances.sqrt_().sum(dtype=torch.float64))
    return total / (len(x) * (len(x) - 1))
