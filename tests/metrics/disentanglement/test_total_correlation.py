"""The Gaussian total correlation of codes for which it is known."""

import math

import numpy as np
import pytest

from bench.errors import BenchError
from bench.metrics.disentanglement.total_correlation import gaussian_total_correlation


def _white(n: int, k: int) -> np.ndarray:
    """Codes (n, k) whose sample covariance is exactly the identity."""
    x = np.random.default_rng(0).normal(size=(n, k))
    x -= x.mean(axis=0)
    return x @ np.linalg.inv(np.linalg.cholesky(np.cov(x, rowvar=False))).T


@pytest.mark.parametrize("rho", [0.0, 0.5, -0.9])
def test_two_codes_have_minus_half_the_log_of_one_minus_rho_squared(rho: float):
    x = _white(500, 2)
    codes = np.stack([x[:, 0], rho * x[:, 0] + math.sqrt(1 - rho**2) * x[:, 1]], axis=1)
    assert gaussian_total_correlation(codes) == pytest.approx(-0.5 * math.log(1 - rho**2), abs=1e-9)


def test_origin_and_unit_of_codes_do_not_matter():
    codes = _white(500, 3) @ np.random.default_rng(1).normal(size=(3, 3))
    expected = gaussian_total_correlation(codes)
    assert expected > 0.1
    assert gaussian_total_correlation(codes * [1e-20, -5, 1e20]) == pytest.approx(expected)
    assert gaussian_total_correlation(codes + 100) == pytest.approx(expected)


def test_codes_without_variance_are_left_out():
    codes = _white(500, 3) @ np.triu(np.ones((3, 3)))
    assert gaussian_total_correlation(np.insert(codes, 1, 7.0, axis=1)) == pytest.approx(
        gaussian_total_correlation(codes)
    )
    assert gaussian_total_correlation(np.ones((500, 4))) == 0
    assert gaussian_total_correlation(codes[:, :1]) == 0


def test_independent_codes_have_the_bias_of_a_finite_sample():
    rng = np.random.default_rng(2)
    found = [gaussian_total_correlation(rng.normal(size=(1_000, 5))) for _ in range(200)]
    assert np.mean(found) == pytest.approx(5 * 4 / 4_000, abs=0.0008)  # standard error 0.00016


def test_codes_that_depend_on_each_other_linearly_are_an_error():
    x = _white(500, 2)
    with pytest.raises(BenchError, match="expected linearly independent codes, got 3 codes of rank 2"):
        gaussian_total_correlation(np.stack([x[:, 0], x[:, 1], x[:, 0] - x[:, 1]], axis=1))


def test_too_few_rows_and_values_that_are_not_finite_are_errors():
    with pytest.raises(BenchError, match="expected at least 1000 rows, got 999"):
        gaussian_total_correlation(np.zeros((999, 500)))
    with pytest.raises(BenchError, match="expected at least 40 rows, got 39"):
        gaussian_total_correlation(np.zeros((39, 2)))
    with pytest.raises(BenchError, match="expected finite values, got 1 of 100"):
        gaussian_total_correlation(np.where(np.arange(100) == 4, np.nan, 1.0).reshape(50, 2))
