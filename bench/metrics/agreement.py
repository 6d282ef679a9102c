"""What classifiers say: the judge about samples drawn for a label, and the method's own about real images."""

import torch
from torch import Tensor

from bench.api import Labels, Logits
from bench.metrics.exam import Exam, right
from bench.metrics.metric import Measured

BINS = 15


def class_agreement(exam: Exam) -> Measured:
    """The judge's accuracy on samples, whose labels are those they were drawn for."""
    return Measured(right(exam.sample_logits, exam.samples.labels), exam.n)


def hacking_gap(exam: Exam) -> Measured:
    """The model's own accuracy on its samples minus the judge's; the former is the part `self`."""
    own = right(exam.own_logits(exam.samples.images), exam.samples.labels)
    return Measured(own - right(exam.sample_logits, exam.samples.labels), exam.n, {"self": own})


def accuracy(exam: Exam) -> Measured:
    """The model's own, on real test images."""
    return Measured(right(exam.own_test_logits, exam.test.labels), exam.n)


def ece(exam: Exam) -> Measured:
    """How far the model's confidence is from its accuracy on real test images."""
    return Measured(calibration_error(exam.own_test_logits, exam.test.labels), exam.n)


def calibration_error(logits: Logits, labels: Labels) -> float:
    """Expected calibration error (arXiv 1706.04599): sum over 15 equal bins of |accuracy - confidence| n_bin / n."""
    confidence, predicted = logits.double().softmax(1).max(1)
    bins = (confidence * BINS).ceil().long().clamp(1, BINS) - 1  # (0, 1/15], (1/15, 2/15], ...
    gap = (predicted == labels.cpu()).double() - confidence
    sums: Tensor = torch.zeros(BINS, dtype=torch.float64).index_add_(0, bins, gap)
    return float(sums.abs().sum() / len(logits))
