"""Bins, entropy and mutual information: closed forms, and invariances for any data."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from bench.errors import BenchError
from bench.metrics.disentanglement.binning import binned_factor, equal_width
from bench.metrics.disentanglement.information import entropy, mutual_information

columns = arrays(np.float64, st.integers(2, 60), elements=st.floats(-1e6, 1e6))
bins = arrays(np.int64, 60, elements=st.integers(0, 5))


def test_bins_are_equally_wide_and_the_largest_value_is_in_the_last():
    assert equal_width(np.array([0.0, 0.49, 0.5, 0.99, 1.0, 2.0]), 4).tolist() == [0, 0, 1, 1, 2, 3]


@given(columns)
def test_bins_follow_the_order_of_values(values: np.ndarray):
    found = equal_width(values)
    assert (np.diff(found[np.argsort(values)]) >= 0).all()
    assert found.min() == 0
    assert found.max() == (19 if np.ptp(values) > 0 else 0)


def test_values_of_a_categorical_factor_are_its_bins():
    assert binned_factor(np.array([7.0, -1.0, 7.0, 100.0]), "categorical").tolist() == [1, 0, 1, 2]


def test_the_bins_of_a_circular_factor_are_arcs_that_do_not_depend_on_the_data():
    assert binned_factor(np.array([0.5, 0.51, 0.56, 0.9999]), "circular").tolist() == [10, 10, 11, 19]


def test_less_than_two_bins_are_an_error():
    with pytest.raises(BenchError, match="expected at least 2 bins, got 1"):
        equal_width(np.arange(5.0), 1)


@pytest.mark.parametrize("k", [1, 2, 7])
def test_k_equal_bins_have_entropy_ln_k(k: int):
    assert entropy(np.repeat(np.arange(k), 30)) == pytest.approx(math.log(k), abs=1e-12)


@given(bins, bins)
def test_mutual_information_is_symmetric_and_at_most_an_entropy(a: np.ndarray, b: np.ndarray):
    shared = mutual_information(a, b)
    assert shared == pytest.approx(mutual_information(b, a), abs=1e-12)
    assert 0 <= shared <= min(entropy(a), entropy(b)) + 1e-12
    assert mutual_information(a, a) == pytest.approx(entropy(a), abs=1e-12)


def test_mutual_information_agrees_with_scikit_learn():
    from sklearn.metrics import mutual_info_score

    a, b = np.random.default_rng(0).integers(6, size=(2, 500))
    assert mutual_information(a, (a + b) % 5) == pytest.approx(mutual_info_score(a, (a + b) % 5), abs=1e-12)


def test_independent_columns_have_the_bias_of_the_plug_in_estimate():
    rng = np.random.default_rng(0)
    found = [mutual_information(*rng.integers(5, size=(2, 1_000))) for _ in range(200)]
    assert np.mean(found) == pytest.approx(16 / 2_000, abs=0.001)  # (a - 1)(b - 1) / 2n; standard error 0.0002
