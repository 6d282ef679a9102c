"""Bounds on the information of one code: chance, perfect codes, and channels whose information is known."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy.optimize import minimize_scalar
from scipy.special import i0e
from scipy.stats import vonmises

from bench.parts.code_bounds import categorical_bound, circular_bound, uniform_bound

RNG = np.random.default_rng(0)


def test_errors_of_a_uniform_code_have_the_bound_of_a_gaussian() -> None:
    found = uniform_bound(torch.tensor([1 / 3, 0.016, 2 / (math.pi * math.e), 0.0], dtype=torch.float64))
    assert found.tolist() == pytest.approx([-0.18, 1.34, 0, math.inf], abs=0.01)


def test_a_tenth_of_the_error_of_a_uniform_code_is_log_10_nats() -> None:
    far, near = uniform_bound(torch.tensor([0.1**2, 0.01**2], dtype=torch.float64))
    assert float(near - far) == pytest.approx(math.log(10))


def test_the_bound_of_a_uniform_code_is_below_its_information() -> None:
    """x = c + u, u uniform on [-w, w]: I(c; x) = h(x) - h(u) = w/2 - log w, and x itself has mse w^2 / 3."""
    for width in (0.5, 0.1, 0.01):
        information = width / 2 - math.log(width)
        noise = torch.tensor(width**2 / 3, dtype=torch.float64)
        assert 0 < information - float(uniform_bound(noise)) < 0.5


@pytest.mark.parametrize("kappa", [1e-3, 0.5, 2.0, 50.0, 1e4, 1e8])
def test_von_mises_errors_of_an_angle_have_their_exact_information(kappa: float) -> None:
    """I = log 2 pi - entropy of the error: the bound is tight, since Q is the truth."""
    r = float(vonmises(kappa).expect(np.cos)) if kappa < 1e3 else 1 - 1 / (2 * kappa) - 1 / (8 * kappa**2)
    entropy = float(vonmises.entropy(kappa)) if kappa < 1e3 else 0.5 * math.log(2 * math.pi * math.e / kappa)
    assert circular_bound(r).item() == pytest.approx(math.log(2 * math.pi) - entropy, rel=1e-4, abs=1e-9)


def test_it_is_the_maximum_over_all_concentrations() -> None:
    """max over kappa of kappa R - log I0(kappa), by SciPy's minimizer."""
    for r in np.linspace(0.05, 0.95, 10):
        best = minimize_scalar(lambda k: k * (1 - r) + np.log(i0e(k)), bounds=(0, 20), options={"xatol": 1e-9})  # noqa: B023
        assert circular_bound(r).item() == pytest.approx(-best.fun, abs=1e-9)


@pytest.mark.parametrize("r", [0.0, -1e-9, -0.5, -1.0])
def test_an_angle_that_is_guessed_at_chance_or_worse_has_none(r: float) -> None:
    assert circular_bound(r) == 0


@pytest.mark.parametrize("r", [1.0, 1 + 1e-7])
def test_an_angle_without_error_has_infinitely_much(r: float) -> None:
    assert circular_bound(r) == math.inf


def test_the_bound_of_an_angle_rises_with_the_mean_cosine_up_to_the_last_digit() -> None:
    places = [*np.linspace(0, 0.99, 100), *(1 - np.logspace(-3, -15, 25))]
    found = circular_bound(torch.tensor(places)).tolist()
    assert all(np.diff(found) > 0)
    assert found[-1] == pytest.approx(0.5 * math.log(math.pi / 1e-15) - 0.5, abs=0.1)


def test_no_number_stays_no_number() -> None:
    assert math.isnan(circular_bound(math.nan))
    assert math.isnan(float(uniform_bound(torch.tensor(math.nan))))


def test_no_other_concentration_gives_a_greater_bound_for_an_angle() -> None:
    errors = RNG.laplace(scale=0.4, size=4_000)
    best = circular_bound(np.cos(errors).mean()).item()
    for kappa in (0.5, 1, 2, 4, 8, 16):
        assert best >= math.log(2 * math.pi) + vonmises.logpdf(errors, kappa).mean()


def test_a_perfect_categorical_code_has_log_k_and_chance_has_0() -> None:
    values = torch.arange(10)
    perfect = F.cross_entropy(F.one_hot(values).float() * 100, values)
    chance = F.cross_entropy(torch.zeros(10, 10), values)
    found = categorical_bound(torch.stack([perfect, chance]), 10)
    assert found.tolist() == pytest.approx([math.log(10), 0], abs=1e-6)


def test_a_confident_wrong_categorical_code_has_less_than_none() -> None:
    wrong = F.cross_entropy(torch.tensor([[9.0, 0.0]]), torch.tensor([1]))
    assert float(categorical_bound(wrong, 2)) < -8
