"""Calibration and proper scores of a method's own classifier: closed forms, and other implementations."""

import math

import pytest
import torch
from sklearn import metrics as sklearn_metrics

from bench.metrics import calibration
from bench.metrics.calibration import BINS, adaptive_calibration_error, brier_score, calibration_error, log_loss


@pytest.fixture
def answers() -> tuple[torch.Tensor, torch.Tensor]:
    """The logits of 500 images for seven classes, and their labels."""
    rng = torch.Generator().manual_seed(0)
    labels = torch.randint(7, (500,), generator=rng)
    logits = torch.randn((500, 7), generator=rng)
    logits[torch.arange(500), labels] += 1
    return logits, labels


def _logits(confidences: list[float]) -> torch.Tensor:
    p = torch.tensor(confidences, dtype=torch.float64)
    return torch.stack([p, 1 - p], dim=1).log()


def test_calibration_error_is_the_gap_between_confidence_and_accuracy():
    # 0.8 sure of class 0, right half of the time
    assert calibration_error(_logits([0.8] * 10), torch.tensor([0] * 5 + [1] * 5)) == pytest.approx(0.3)


def test_calibration_error_is_weighted_by_bin():
    # bins of 0.9 (always right: gap 0.1, 30 images) and 0.6 (never right: gap 0.6, 10 images)
    labels = torch.tensor([0] * 30 + [1] * 10)
    assert calibration_error(_logits([0.9] * 30 + [0.6] * 10), labels) == pytest.approx(0.75 * 0.1 + 0.25 * 0.6)


def test_gaps_within_a_bin_cancel_and_across_bins_do_not():
    labels = torch.tensor([0, 1])
    assert calibration_error(_logits([0.50001, 0.50002]), labels) == pytest.approx(0, abs=1e-4)
    assert calibration_error(_logits([0.7, 0.55]), labels) == pytest.approx((0.3 + 0.55) / 2)


def test_a_sure_and_right_classifier_is_calibrated():
    assert calibration_error(torch.eye(4).repeat(5, 1) * 1e4, torch.arange(4).repeat(5)) == 0


def test_adaptive_bins_hold_as_many_images_each():
    # 15 images in 15 bins: each has its own gap, although the first two share a bin of equal width
    confidences = torch.linspace(0.51, 0.99, BINS, dtype=torch.float64).tolist()
    labels = torch.tensor([0, 1] * 7 + [0])
    gaps = [1 - p if label == 0 else p for p, label in zip(confidences, labels.tolist(), strict=True)]
    assert adaptive_calibration_error(_logits(confidences), labels) == pytest.approx(sum(gaps) / BINS)


def test_adaptive_bins_see_what_a_crowded_bin_hides():
    # All images in one bin of equal width: gaps of opposite sign cancel there.
    confidences = [0.94] * 160 + [0.99] * 140
    labels = torch.tensor([0] * 158 + [1] * 2 + [0] * 126 + [1] * 14)  # right in 98.75 % and in 90 %
    gaps = 160 * 0.0475 / 300, 140 * 0.09 / 300
    assert calibration_error(_logits(confidences), labels) == pytest.approx(gaps[1] - gaps[0])
    assert adaptive_calibration_error(_logits(confidences), labels) == pytest.approx(gaps[0] + gaps[1])


def test_the_order_of_the_images_changes_no_calibration_error(answers):
    logits, labels = answers
    logits = logits.round()  # many images of equal confidence
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(1))
    for error in (calibration_error, adaptive_calibration_error):
        assert error(logits[order], labels[order]) == pytest.approx(error(logits, labels), abs=1e-12)


@pytest.mark.parametrize("score", [log_loss, brier_score])
def test_a_sure_answer_scores_zero_and_a_sure_mistake_the_most(score):
    sure = torch.eye(3, dtype=torch.float64) * 50
    assert score(sure, torch.arange(3)) == pytest.approx(0, abs=1e-12)
    assert score(sure, (torch.arange(3) + 1) % 3) == pytest.approx(50 if score is log_loss else 2)


def test_a_classifier_that_knows_nothing_scores_the_closed_forms():
    logits, labels = torch.zeros((20, 5)), torch.arange(20) % 5
    assert log_loss(logits, labels) == pytest.approx(math.log(5))
    assert brier_score(logits, labels) == pytest.approx(1 - 1 / 5)
    assert adaptive_calibration_error(logits, labels) == pytest.approx(0, abs=1e-12)


def test_the_log_loss_is_that_of_scikit_learn(answers):
    logits, labels = answers
    theirs = sklearn_metrics.log_loss(labels, logits.double().softmax(1))
    assert log_loss(logits, labels) == pytest.approx(theirs, rel=1e-9)


def test_the_brier_score_of_two_classes_is_twice_that_of_scikit_learn():
    probabilities = torch.rand(300, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    labels = (torch.arange(300) % 3 == 0).long()
    theirs = sklearn_metrics.brier_score_loss(labels, 1 - probabilities)
    assert brier_score(_logits(probabilities.tolist()), labels) == pytest.approx(2 * theirs)


def test_the_whole_test_split_is_measured(make_context, toys, dataset):
    context = make_context(model=toys.Painter(), n=60)
    assert len(dataset.test) > 60
    for compute in (calibration.accuracy_of_all, calibration.nll, calibration.brier, calibration.ece_adaptive):
        assert compute(context).n == len(dataset.test)
    assert calibration.accuracy_of_all(context).value == 1
    assert calibration.ece(context).n == 60
