"""DCI of matrices by hand, and of representations for which it is known."""

import math
from functools import partial

import numpy as np
import pytest

from bench.errors import BenchError
from bench.metrics.disentanglement.dci import completeness, disentanglement
from bench.metrics.disentanglement.dci import disentanglement_completeness_informativeness as measure

dci = partial(measure, train=1_000, test=500)
LEARNERS = ["quick", "published"]


def test_scores_of_a_matrix_by_hand():
    importances = np.array([[1.0, 0.0], [0.0, 0.5], [0.0, 0.5]])
    assert disentanglement(importances) == pytest.approx(1)
    assert completeness(importances) == pytest.approx((1 + 1 - math.log(2) / math.log(3)) / 2)
    mixed = np.array([[0.75, 0.25], [0.25, 0.75]])
    assert disentanglement(mixed) == pytest.approx(1 + (0.75 * math.log2(0.75) + 0.25 * math.log2(0.25)))
    assert completeness(mixed) == pytest.approx(disentanglement(mixed))


def test_a_code_counts_by_its_importance():
    assert disentanglement(np.array([[1.0, 0.9], [0.0, 0.1]])) == pytest.approx(
        (1.9 * (1 - _entropy(1 / 1.9, 0.9 / 1.9)) + 0.1) / 2
    )


def _entropy(*shares: float) -> float:
    return -sum(p * math.log2(p) for p in shares)


def test_a_factor_that_no_code_tells_of_counts_0_in_completeness():
    assert completeness(np.array([[1.0, 0.0], [0.0, 0.0]])) == 0.5
    assert disentanglement(np.array([[1.0, 0.0], [0.0, 0.0]])) == 1
    assert (disentanglement(np.zeros((2, 2))), completeness(np.zeros((2, 2)))) == (0, 0)


@pytest.mark.parametrize("learner", LEARNERS)
def test_the_identity_has_1_1_1(draw, kinds, learner: str):
    factors = draw(1_500)
    found = dci(factors, factors, kinds, learner)
    assert (found.disentanglement, found.completeness, found.informativeness) == pytest.approx((1, 1, 1), abs=0.03)
    assert np.abs(found.importances - np.eye(3)).max() < 0.01


@pytest.mark.parametrize("learner", LEARNERS)
def test_a_rotation_by_45_degrees_is_incomplete_and_entangled(learner: str):
    factors = np.random.default_rng(0).random((1_500, 2))
    codes = factors @ np.array([[1, -1], [1, 1]]) / math.sqrt(2)
    found = dci(codes, factors, ["linear", "linear"], learner)
    assert found.completeness < 0.1
    assert found.disentanglement < 0.1
    assert found.informativeness > 0.9
    padded = np.hstack([codes, np.zeros((1_500, 2))])
    assert dci(padded, factors, ["linear", "linear"], learner).completeness == pytest.approx(
        0.5, abs=0.05
    )  # 1 - ln 2 / ln 4


def test_noise_has_0_0_0_with_the_quick_learner(draw, kinds):
    for seed in range(3):
        noise = np.random.default_rng(seed).normal(size=(1_500, 8))
        found = dci(noise, draw(1_500), kinds)
        assert (found.disentanglement, found.completeness) == (0, 0)
        assert found.informativeness < 0.02


def test_noise_is_uninformative_and_diffuse_with_the_published_learner(draw, kinds):
    noise = np.random.default_rng(0).normal(size=(1_500, 4))
    found = dci(noise, draw(1_500), kinds, "published", train=500)
    assert found.informativeness < 0.1
    assert found.disentanglement < 0.1
    assert found.completeness < 0.1


def test_codes_of_noise_beside_those_of_factors_are_of_no_importance(draw, kinds):
    factors = draw(1_500)
    codes = np.hstack([factors, np.random.default_rng(1).normal(size=(1_500, 3))])
    assert dci(codes, factors, kinds).importances[3:].max() < 0.01


@pytest.mark.parametrize("learner", LEARNERS)
def test_an_angle_is_predicted_from_its_cosine_and_sine_and_across_its_jump(draw, learner: str):
    factors = draw(1_500)[:, 1:]
    turns = 2 * np.pi * factors[:, 1]
    codes = np.stack([factors[:, 0], np.cos(turns), np.sin(turns)], axis=1)
    found = dci(codes, factors, ["linear", "circular"], learner)
    assert found.informativeness_of[1] > 0.95
    assert found.importances[:, 1] == pytest.approx([0, 0.5, 0.5], abs=0.05)


def test_informativeness_is_the_share_of_the_error_of_a_constant_that_is_removed():
    """A linear factor behind noise of a quarter of its variance: R2 = 0.8. A class that is right in 7 of 10 cases."""
    rng = np.random.default_rng(2)
    linear, noise = rng.normal(size=(2, 4_000))
    label = rng.integers(2, size=4_000)
    seen = np.where(rng.random(4_000) < 0.7, label, 1 - label)
    found = measure(
        np.stack([linear + 0.5 * noise, seen], axis=1), np.stack([linear, label], axis=1),
        ["linear", "categorical"], train=3_000, test=1_000,
    )  # fmt: skip
    assert found.informativeness_of[0] == pytest.approx(0.8, abs=0.06)
    assert found.informativeness_of[1] == pytest.approx(1 - 0.3 / 0.5, abs=0.12)


def test_one_seed_gives_one_result(draw, kinds):
    factors = draw(1_500)
    codes = factors + 0.3 * np.random.default_rng(3).normal(size=factors.shape)
    first, again, other = (dci(codes, factors, kinds, rng=seed) for seed in (5, 5, 6))
    assert first.informativeness_of == again.informativeness_of
    assert np.array_equal(first.importances, again.importances)
    assert first.informativeness_of != other.informativeness_of


def test_a_factor_of_one_value_among_the_test_rows_is_left_out(draw, kinds):
    factors = np.insert(draw(60), 0, np.arange(60) == 7, axis=1)
    found = measure(factors, factors, ("categorical", *kinds), train=40, test=20)
    assert found.left_out == (0,)
    assert list(found.informativeness_of) == [1, 2, 3]


def test_a_class_that_occurs_among_the_test_rows_only_is_an_error_of_the_prediction(draw, kinds):
    factors = draw(60)
    rows = np.random.default_rng(0).permutation(60)
    factors[rows[-1], 0] = 9
    assert measure(factors, factors, kinds, train=40, test=20).informativeness_of[0] < 1


def test_impossible_requests_are_errors(draw, kinds):
    factors = draw(1_500)
    with pytest.raises(BenchError, match=r"unknown learner 'quik': did you mean 'quick'\?"):
        dci(factors, factors, kinds, "quik")
    with pytest.raises(BenchError, match="expected at least 1500 rows, got 1499"):
        dci(factors[1:], factors[1:], kinds)
    with pytest.raises(BenchError, match="expected train >= 40 and test >= 20, got 40 and 19"):
        measure(factors, factors, kinds, train=40, test=19)
