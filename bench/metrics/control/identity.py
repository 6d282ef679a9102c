"""Does an image stay recognisable while its codes change? Cosines in features that know nothing of the data set."""

import numpy as np
import torch

from bench.metrics.context import EvaluationContext
from bench.metrics.control.evaluation import control, sweeps
from bench.metrics.control.measures import NO_LIVE
from bench.metrics.features.base import Features
from bench.metrics.metric import Measured, NotMeasured

SPACE = "lite0"


def identity(context: EvaluationContext) -> Measured:
    """Cosine of each image of a sweep to its middle one, mean over live codes; 1: the same image, 0: another one.

    The scale is (cosine - r) / (1 - r), with r the mean cosine between images of different contexts.
    """
    live, swept = control(context).effects.live, sweeps(context)
    images = [part for part, alive in zip(swept.images, live, strict=True) if alive]
    if not images:
        raise NotMeasured(NO_LIVE)
    directions = [_directions(context.embed(SPACE, part.flatten(0, 1)), part) for part in images]
    apart = float(np.mean([_between(each[:, each.shape[1] // 2]) for each in directions]))
    along = float(np.mean([_along(each) for each in directions]))
    return Measured((along - apart) / max(1 - apart, 1e-6), len(images[0]))


def _directions(features: Features, images: torch.Tensor) -> np.ndarray:
    """Unit vectors (contexts, m, d)."""
    unit = features.astype(np.float64) / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-12)
    return unit.reshape(*images.shape[:2], -1)


def _along(directions: np.ndarray) -> float:
    """Mean cosine between the middle image of each context and the others."""
    middle = directions.shape[1] // 2
    cosines = (directions * directions[:, middle : middle + 1]).sum(axis=2)
    others = np.arange(directions.shape[1]) != middle
    return float(cosines[:, others].mean()) if others.any() else 1.0


def _between(directions: np.ndarray) -> float:
    """Mean cosine between different contexts."""
    n = len(directions)
    total = float(((directions.sum(axis=0)) ** 2).sum()) - n
    return total / max(n * (n - 1), 1)
