"""Probabilities of a method's own classifier on real test images: are they right as often as they say?

The metrics of this module use the whole test split, except `ece`, which uses n images of it. The functions of logits (n, k)
and labels (n,) raise `BenchError` for other shapes and types.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from bench.api import Labels, Logits
from bench.errors import BenchError
from bench.metrics.context import EvaluationContext, fraction_correct
from bench.metrics.metric import Measured

BINS = 15


def ece(context: EvaluationContext) -> Measured:
    """Expected calibration error on n test images."""
    return Measured(calibration_error(context.own_test_logits, context.test.labels), context.n)


def of_all(score: Callable[[Logits, Labels], float]) -> Callable[[EvaluationContext], Measured]:
    """A score of logits (n, k) and labels (n,), over the whole test split."""

    def compute(context: EvaluationContext) -> Measured:
        labels = context.dataset.test.labels
        return Measured(score(context.own_logits_of_all, labels), len(labels))

    return compute


def log_loss(logits: Logits, labels: Labels) -> float:
    """The mean negative log-probability of the true class, in nats."""
    logits, labels = _checked(logits, labels)
    return float(F.cross_entropy(logits, labels))


def brier_score(logits: Logits, labels: Labels) -> float:
    """The mean squared distance of the probabilities from the true class (Brier 1950): 0 if right and sure, at most 2."""
    logits, labels = _checked(logits, labels)
    truth = F.one_hot(labels, logits.shape[1])
    return float((logits.softmax(1) - truth).square().sum(1).mean())


def calibration_error(logits: Logits, labels: Labels) -> float:
    """Expected calibration error (arXiv 1706.04599) of logits (n, k) and labels (n,).

    The sum over 15 equal bins of confidence of `abs(accuracy - confidence) n_bin / n`.
    """
    confidence, right = _confidence(logits, labels)
    bins = (confidence * BINS).ceil().long().clamp(1, BINS) - 1  # (0, 1/15], (1/15, 2/15], ...
    return _gap(right - confidence, bins)


def adaptive_calibration_error(logits: Logits, labels: Labels) -> float:
    """The same over 15 bins with as many images each (arXiv 1904.01685): it sees errors where most images are.

    Images of equal confidence share their accuracy, so that the order of the images changes nothing.
    """
    confidence, right = _confidence(logits, labels)
    values, group, counts = confidence.unique(return_inverse=True, return_counts=True)
    shared = torch.zeros_like(values).index_add_(0, group, right) / counts
    ordered = group.sort().values  # values ascend
    bins = torch.arange(len(ordered)) * min(BINS, len(ordered)) // len(ordered)
    return _gap((shared - values)[ordered], bins)


def _confidence(logits: Logits, labels: Labels) -> tuple[Tensor, Tensor]:
    """The largest probability of each image, and 1 if its class is the true one, else 0; float64 (n,)."""
    logits, labels = _checked(logits, labels)
    confidence, predicted = logits.softmax(1).max(1)
    return confidence, (predicted == labels).double()


def _checked(logits: Any, labels: Any) -> tuple[Tensor, Tensor]:
    """As float64 (n, k) and int64 (n,), from tensors or arrays. Raises `BenchError` for anything else."""
    logits, labels = torch.as_tensor(logits).detach().cpu(), torch.as_tensor(labels).detach().cpu()
    if logits.ndim != 2 or not logits.is_floating_point() or not len(logits) or labels.shape != logits.shape[:1]:
        raise BenchError(
            f"expected float logits of shape (n, k) and labels of shape (n,), got {logits.dtype} of shape "
            f"{tuple(logits.shape)} and shape {tuple(labels.shape)}"
        )
    if labels.is_floating_point() or labels.min() < 0 or labels.max() >= logits.shape[1]:
        raise BenchError(f"expected labels as whole numbers from 0 to {logits.shape[1] - 1}, got others")
    return logits.double(), labels.long()


def _gap(gaps: Tensor, bins: Tensor) -> float:
    sums = torch.zeros(BINS, dtype=torch.float64).index_add_(0, bins, gaps)
    return float(sums.abs().sum() / len(gaps))


accuracy_of_all, nll, brier, ece_adaptive = map(
    of_all, (fraction_correct, log_loss, brier_score, adaptive_calibration_error)
)
