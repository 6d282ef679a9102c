"""The mutual information gap of representations for which it is known."""

import math

import numpy as np
import pytest

from bench.metrics.disentanglement.mig import mutual_information_gap


def test_a_permuted_copy_of_discrete_factors_has_1():
    rng = np.random.default_rng(0)
    factors = rng.integers([3, 5, 8], size=(5_000, 3)).astype(float)
    names = rng.permutation(8)
    codes = np.stack([factors[:, 1], names[factors[:, 2].astype(int)], 2 - factors[:, 0]], axis=1)
    found = mutual_information_gap(codes, factors, ["categorical"] * 3)
    assert found.value == pytest.approx(1, abs=0.01)  # the second-best code has a bias of at most 28 / 10,000 nats
    assert found.value < 1


def test_one_code_for_one_factor_has_1(factors, kinds):
    for factor in range(3):
        column = factors[:, [factor]]
        assert mutual_information_gap(column, column, [kinds[factor]]).value == pytest.approx(1, abs=0.005)


def test_noise_has_0_within_the_bias(factors, kinds):
    noise = np.random.default_rng(1).normal(size=(len(factors), 6))
    assert mutual_information_gap(noise, factors, kinds).value < 0.01


@pytest.mark.parametrize("right", [4, 6, 8])
def test_a_code_behind_a_symmetric_channel_has_its_capacity(right: int):
    """Of each of 4 values, `right` of 8 codes are right and the others take the next value: I = ln 4 - H(right / 8)."""
    factor = np.repeat(np.arange(4), 80)
    code = (factor + (np.tile(np.arange(8), 40) >= right)) % 4
    share = right / 8
    lost = -sum(p * math.log(p) for p in (share, 1 - share) if p > 0)
    found = mutual_information_gap(code[:, None].astype(float), factor[:, None].astype(float), ["categorical"])
    assert found.value == pytest.approx((math.log(4) - lost) / math.log(4), abs=1e-12)


def test_a_factor_in_two_codes_has_0(factors, kinds):
    codes = np.concatenate([factors, -factors], axis=1)
    assert mutual_information_gap(codes, factors, kinds).value == pytest.approx(0, abs=0.001)


def test_a_continuous_factor_is_binned_like_its_code():
    factor = np.random.default_rng(2).normal(size=(2_000, 1))
    found = mutual_information_gap(np.hstack([5 * factor + 2, np.zeros((2_000, 1))]), factor, ["linear"])
    assert found.value == pytest.approx(1, abs=1e-9)


def test_a_monotone_change_of_a_code_changes_the_gap_by_binning_only():
    factor = np.random.default_rng(3).random((5_000, 1))
    found = [mutual_information_gap(change(factor), factor, ["linear"]).value for change in (np.exp, np.sqrt, np.sin)]
    assert 0.7 < min(found) < max(found) < 1


def test_the_cosine_of_an_angle_tells_less_than_the_angle(factors):
    turns = factors[:, [2]]
    angle = mutual_information_gap(turns, turns, ["circular"]).value
    cosine = mutual_information_gap(np.cos(2 * np.pi * turns), turns, ["circular"]).value
    assert cosine < angle - 0.2
    assert mutual_information_gap(turns, turns + 3, ["circular"]).value == pytest.approx(angle, abs=0.01)


def test_parts_are_those_of_each_factor(factors, kinds):
    codes = np.stack([factors[:, 0], np.zeros(len(factors)), factors[:, 0]], axis=1)[:, :2]
    found = mutual_information_gap(codes, factors, kinds)
    assert found.parts[0] == pytest.approx(1)
    assert max(found.parts[1], found.parts[2]) < 0.02
    assert found.value == pytest.approx(sum(found.parts.values()) / 3)
