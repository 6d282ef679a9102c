"""Does an image stay recognisable while its codes change? Cosines in features that know nothing of the data set."""

import numpy as np

from bench.metrics.context import EvaluationContext
from bench.metrics.control.evaluation import control, draws, sweeper, sweeps
from bench.metrics.control.measures import NO_LIVE
from bench.metrics.control.sweeps import BATCH
from bench.metrics.features.base import Features
from bench.metrics.metric import Measured, NotMeasured

SPACE = "lite0"
OTHERS = BATCH  # images of independent draws
ALIKE = 1e-3  # 1 - cosine of images that look alike


def identity(context: EvaluationContext) -> Measured:
    """Cosine of each image of a sweep to its middle one, mean over live codes; 1: the same image, 0: another one.

    The scale is (cosine - r) / (1 - r), with r the mean cosine between the images of independent draws.
    """
    live, swept = control(context).effects.live, sweeps(context)
    images = [part for part, alive in zip(swept.images, live, strict=True) if alive]
    if not images:
        raise NotMeasured(NO_LIVE)
    codes = draws(context).codes[:OTHERS]
    others = context.embed(SPACE, sweeper(context).decode(codes, "draws", 0))
    apart = _between(_directions(others, (1, len(codes)))[0])
    if 1 - apart < ALIKE:
        raise NotMeasured("images of different codes look alike")
    along = np.mean([_along(_directions(context.embed(SPACE, part.flatten(0, 1)), part.shape[:2])) for part in images])
    return Measured(float(along - apart) / (1 - apart), len(images[0]))


def _directions(features: Features, shape: tuple[int, ...]) -> np.ndarray:
    """Unit vectors (*shape, d)."""
    unit = features.astype(np.float64) / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-12)
    return unit.reshape(*shape, -1)


def _along(directions: np.ndarray) -> float:
    """Mean cosine between the middle image of each context and the others."""
    middle = directions.shape[1] // 2
    cosines = (directions * directions[:, middle : middle + 1]).sum(axis=2)
    others = np.arange(directions.shape[1]) != middle
    return float(cosines[:, others].mean()) if others.any() else 1.0


def _between(directions: np.ndarray) -> float:
    """Mean cosine between different images."""
    n = len(directions)
    total = float(((directions.sum(axis=0)) ** 2).sum()) - n
    return total / max(n * (n - 1), 1)
