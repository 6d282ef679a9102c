"""Accuracies and calibration: of the judge on samples drawn for a label, and of a method's own classifier."""

import torch
from torch import Tensor

from bench.api import Labels, Logits
from bench.metrics.context import EvaluationContext, fraction_correct
from bench.metrics.metric import Measured

BINS = 15


def class_agreement(context: EvaluationContext) -> Measured:
    """Accuracy of the judge on the samples; the label of a sample is the one it was drawn for."""
    return Measured(fraction_correct(context.sample_logits, context.samples.labels), context.n)


def hacking_gap(context: EvaluationContext) -> Measured:
    """Accuracy of the model's own classifier on its samples, minus that of the judge. Part `self`: the former."""
    own = fraction_correct(context.own_logits(context.samples.images), context.samples.labels)
    return Measured(own - fraction_correct(context.sample_logits, context.samples.labels), context.n, {"self": own})


def accuracy(context: EvaluationContext) -> Measured:
    """Accuracy of the model's own classifier on real test images."""
    return Measured(fraction_correct(context.own_test_logits, context.test.labels), context.n)


def ece(context: EvaluationContext) -> Measured:
    """Expected calibration error of the model's own classifier on real test images."""
    return Measured(calibration_error(context.own_test_logits, context.test.labels), context.n)


def calibration_error(logits: Logits, labels: Labels) -> float:
    """Expected calibration error (arXiv 1706.04599) of logits (n, k) and labels (n,).

    The sum over 15 equal bins of confidence of |accuracy - confidence| n_bin / n.
    """
    confidence, predicted = logits.double().softmax(1).max(1)
    bins = (confidence * BINS).ceil().long().clamp(1, BINS) - 1  # (0, 1/15], (1/15, 2/15], ...
    gap = (predicted == labels.cpu()).double() - confidence
    sums: Tensor = torch.zeros(BINS, dtype=torch.float64).index_add_(0, bins, gap)
    return float(sums.abs().sum() / len(logits))
