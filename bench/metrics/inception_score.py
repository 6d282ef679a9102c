"""Inception score (arXiv 1606.03498): exp of the mean KL between an image's classes and those of all, over splits."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax

from bench.errors import BenchError
from bench.metrics.exam import Exam
from bench.metrics.inception import InceptionSpace
from bench.metrics.metric import Measured

SPLITS = 10


def inception_score(logits: NDArray[np.float64]) -> tuple[float, float]:
    """Mean and standard deviation over ten splits of the images, in their order."""
    if len(logits) < SPLITS:
        raise BenchError(f"the inception score needs {SPLITS} images, got n={len(logits)}: choose a larger budget")
    scores = []
    for part in np.array_split(log_softmax(logits, axis=1), SPLITS):
        p = np.exp(part)
        scores.append(np.exp((p * (part - np.log(p.mean(0)))).sum(1).mean()))
    return float(np.mean(scores)), float(np.std(scores))


def score(exam: Exam) -> Measured:
    """Of the samples; the standard deviation over splits is the part `sd`."""
    space = exam.space("inception")
    assert isinstance(space, InceptionSpace)
    value, spread = inception_score(space.logits(exam.features("inception")))
    return Measured(value, exam.n, {"sd": spread})
