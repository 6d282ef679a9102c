"""Metrics in ST-LPIPS: how far reconstructions are from their images, and samples of a class from each other."""

import numpy as np
import torch

from bench.api import Data
from bench.metrics.cache import Array
from bench.metrics.classes import require_two
from bench.metrics.context import EvaluationContext
from bench.metrics.metric import Measured, NotMeasured
from bench.metrics.perceptual import DIGEST, perceptual_distance

MOST = 500  # pairs


def reconstruction_distance(context: EvaluationContext) -> Measured:
    """Mean distance of a reconstruction from its image."""
    n = min(context.n, MOST)
    images, found = context.test.images[:n], context.reconstructions[:n]
    return Measured(float(perceptual_distance()(images, found, context.device).mean()), n)


def diversity(context: EvaluationContext) -> Measured:
    """Mean distance of two samples of a class over that of two reference images, each averaged over classes.

    Raises `NotMeasured` if a class has fewer than two images of either kind, or if all its reference images are equal.
    """
    require_two(context)
    theirs = _of_reference(context)
    if theirs == 0:
        raise NotMeasured("all reference images of a class are equal")
    return Measured(_within(context, context.samples) / theirs, context.n)


def _of_reference(context: EvaluationContext) -> float:
    def make() -> Array:
        return np.array(_within(context, context.real))

    return float(context.cached("within-classes-st-lpips", "", (context.real_digest, DIGEST), make))


def _within(context: EvaluationContext, data: Data) -> float:
    """The mean over classes of the distance of neighbours in the order of the images, about `MOST` pairs in all."""
    k = len(data.spec.classes)
    members = [(data.labels == label).nonzero()[: MOST // k + 2, 0] for label in range(k)]
    distances = perceptual_distance().to_next(data.images[torch.cat(members)], context.device)
    ends = np.cumsum([len(rows) for rows in members])
    classes = (distances[end - len(rows) : end - 1] for rows, end in zip(members, ends, strict=True))
    return float(np.mean([float(part.mean()) for part in classes]))
