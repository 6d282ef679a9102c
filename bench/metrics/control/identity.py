"""Does an image stay recognisable while its codes change? Cosines in features that know nothing of the data set."""

import numpy as np

from bench.metrics.context import EvaluationContext
from bench.metrics.control.appearance import drawn_features, swept_features
from bench.metrics.control.evaluation import control
from bench.metrics.control.measures import NO_LIVE
from bench.metrics.features.base import Features
from bench.metrics.metric import Measured, NotMeasured

ALIKE = 1e-3  # 1 - cosine of images that look alike


def identity(context: EvaluationContext) -> Measured:
    """Cosine of each image of a sweep to its middle one, mean over live codes; 1: the same image, 0: another one.

    The scale is (cosine - r) / (1 - r), with r the mean cosine between the images of independent draws.
    """
    live = np.flatnonzero(control(context).effects.live).tolist()
    if not live:
        raise NotMeasured(NO_LIVE)
    apart = _between(_directions(drawn_features(context)))
    if 1 - apart < ALIKE:
        raise NotMeasured("images of different codes look alike")
    features = [swept_features(context, place) for place in live]
    along = np.mean([_along(_directions(part)) for part in features])
    return Measured(float(along - apart) / (1 - apart), len(features[0]))


def _directions(features: Features) -> np.ndarray:
    """Unit vectors (..., d)."""
    return features.astype(np.float64) / np.maximum(np.linalg.norm(features, axis=-1, keepdims=True), 1e-12)


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
