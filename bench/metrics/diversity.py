"""Diversity within a class: the mean distance between two samples, divided by that between two real images."""

from functools import partial

import numpy as np
import torch

from bench.api import Data
from bench.errors import BenchError
from bench.metrics.cache import Array
from bench.metrics.classes import require_two
from bench.metrics.context import EvaluationContext
from bench.metrics.metric import Measured
from bench.metrics.neighbours import distance_blocks


def diversity_ratio(context: EvaluationContext) -> Measured:
    """Mean pixel distance within a class of samples, divided by that of reference images; each a mean over classes.

    Raises `BenchError` if a class has fewer than two images, or if all reference images of each class are equal.
    """
    require_two(context)
    samples, real = context.samples, context.real
    theirs = context.cached("spread-pixels", "", (context.real_digest,), partial(spread, real, context.device)).mean()
    if theirs == 0:
        raise BenchError(
            f"all reference images of each class of {context.spec.name} are equal, so diversity-ratio is undefined"
        )
    return Measured(float(spread(samples, context.device).mean() / theirs), context.n)


def spread(data: Data, device: torch.device) -> Array:
    """The mean Euclidean distance between two different images of each class, float32 (k,), pixels in [0, 1]."""
    flat = data.images.flatten(1).numpy().astype(np.float32) / 255
    labels = data.labels.cpu().numpy()
    members = [flat[labels == label] for label in range(len(data.spec.classes))]
    return np.array([_mean_distance(images, device) for images in members], dtype=np.float32)


def _mean_distance(x: Array, device: torch.device) -> float:
    total = 0.0
    for rows, distances in distance_blocks(x, x, device):
        own = torch.arange(rows.start, rows.stop, device=device)
        distances[own - rows.start, own] = 0
        total += float(distances.sqrt_().sum(dtype=torch.float64))
    return total / (len(x) * (len(x) - 1))
