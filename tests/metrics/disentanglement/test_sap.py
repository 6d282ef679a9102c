"""SAP of representations for which it is known, and thresholds against all that there are."""

from itertools import combinations, product

import numpy as np
import pytest

from bench.metrics.disentanglement.sap import separated_attribute_predictability
from bench.metrics.disentanglement.thresholds import balanced_accuracy, rank_bins


def test_the_identity_has_1_minus_the_next_best(factors, kinds):
    found = separated_attribute_predictability(factors[:, :2], factors[:, :2], kinds[:2])
    assert found.parts[0] == pytest.approx(1 - 1 / 4, abs=0.05)  # the other code guesses one class of four
    assert found.parts[1] == pytest.approx(1 - np.corrcoef(factors[:, 0], factors[:, 1])[0, 1] ** 2)


def test_one_code_is_compared_with_a_constant(factors, kinds):
    found = separated_attribute_predictability(factors[:, :1], factors[:, :1], kinds[:1])
    assert found.value == pytest.approx(3 / 4)


def test_noise_has_almost_0(factors, kinds):
    noise = np.random.default_rng(1).normal(size=(len(factors), 6))
    assert separated_attribute_predictability(noise, factors, kinds).value < 0.02


def test_a_linear_factor_behind_noise_of_equal_variance_has_a_half():
    rng = np.random.default_rng(2)
    factor, noise = rng.normal(size=(2, 20_000, 1))
    found = separated_attribute_predictability(np.hstack([factor + noise, noise - factor]), factor, ["linear"])
    assert found.value == pytest.approx(0, abs=0.03)
    found = separated_attribute_predictability(factor + noise, factor, ["linear"])
    assert found.value == pytest.approx(0.5, abs=0.03)


def test_an_angle_predicts_cosine_and_sine_as_well_as_a_line_can():
    turns = (np.arange(10_000)[:, None] + 0.5) / 10_000
    angle = separated_attribute_predictability(turns, turns, ["circular"]).value
    cosine = separated_attribute_predictability(np.cos(2 * np.pi * turns), turns, ["circular"]).value
    assert angle == pytest.approx(3 / np.pi**2, abs=1e-4)  # half of the squared correlation of a line with a sine
    assert cosine == pytest.approx(0.5, abs=1e-9)


def _brute_force(values: np.ndarray, labels: np.ndarray) -> float:
    """Try all thresholds and all assignments of the intervals to classes."""
    classes, order = labels.max() + 1, np.unique(values)
    best = 0.0
    for cuts in combinations(order[1:], min(classes - 1, len(order) - 1)):
        interval = np.searchsorted(np.array(cuts), values, side="right")
        for assignment in product(range(classes), repeat=len(cuts) + 1):
            right = np.array(assignment)[interval] == labels
            best = max(best, float(np.mean([right[labels == c].mean() for c in range(classes)])))
    return best


@pytest.mark.parametrize("seed", range(8))
def test_thresholds_are_the_best_of_all(seed: int):
    rng = np.random.default_rng(seed)
    labels = np.concatenate([np.arange(3), rng.integers(3, size=15)])
    values = np.round(rng.normal(size=18) + labels * rng.choice([0, 0.7]), 1)
    assert balanced_accuracy(values, labels) == pytest.approx(_brute_force(values, labels), abs=1e-12)


def test_a_constant_value_guesses_one_class():
    assert balanced_accuracy(np.zeros(50), np.repeat(np.arange(5), 10)) == pytest.approx(1 / 5)


def test_no_more_thresholds_are_used_than_classes_need():
    labels = np.arange(40) % 2
    assert balanced_accuracy(np.arange(40.0), labels) < 0.6  # 39 thresholds would separate them


def test_a_monotone_change_does_not_matter_to_thresholds():
    rng = np.random.default_rng(4)
    labels, values = rng.integers(3, size=2_000), rng.normal(size=2_000)
    assert balanced_accuracy(values, labels) == balanced_accuracy(np.exp(values), labels)


def test_equal_values_share_a_bin_of_ranks():
    values = np.concatenate([np.zeros(500), np.linspace(1, 2, 500)])
    bins = rank_bins(values)
    assert len(set(bins[:500])) == 1
    assert bins.max() <= 255
    assert (np.diff(bins) >= 0).all()
