"""Inception score (arXiv 1606.03498): exp of the mean KL between an image's classes and those of all, over splits."""

import numpy as np
import torch
from numpy.typing import NDArray

from bench.errors import BenchError
from bench.metrics.context import EvaluationContext
from bench.metrics.features.inception import InceptionSpace
from bench.metrics.metric import Measured

SPLITS = 10


def inception_score(logits: NDArray[np.float64]) -> tuple[float, float]:
    """Mean and standard deviation over ten splits of the images. `logits`: (n, k).

    Raises `BenchError` for fewer than ten images.
    """
    if len(logits) < SPLITS:
        raise BenchError(f"inception-score: expected at least {SPLITS} images, got n={len(logits)}")
    scores = []
    for part in torch.from_numpy(logits).double().log_softmax(1).tensor_split(SPLITS):
        p = part.exp()
        scores.append(float((p * part - torch.xlogy(p, p.mean(0))).sum(1).mean().exp()))
    return float(np.mean(scores)), float(np.std(scores))


def score(context: EvaluationContext) -> Measured:
    """The Inception score of the samples. Part `sd`: the standard deviation over splits."""
    space = context.space("inception")
    assert isinstance(space, InceptionSpace)
    value, spread = inception_score(space.logits(context.features("inception")))
    return Measured(value, context.n, {"sd": spread})
