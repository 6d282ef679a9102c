"""The sampler alone, in float64: detailed balance, the stationary law, the temperature, the warm-up."""

from collections.abc import Callable
from math import log, pi

import pytest
import torch
from torch import Tensor

from bench_stic.grmala import Points, accept, drift, log_ratio, look, propose, run_chains, temperature

MEAN = torch.tensor([1.0, -0.5], dtype=torch.float64)
COVARIANCE = torch.tensor([[1.0, 0.6], [0.6, 0.8]], dtype=torch.float64)


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def gaussian_with_gram_term(gamma: float) -> Callable[[Tensor], Tensor]:
    """log N(x; mean, covariance) - gamma R(x) of points (n, 2), R by a fixed random tanh map of 3 channels, 4 places."""
    rng = seeded(0)
    weight = torch.randn(12, 2, generator=rng, dtype=torch.float64)
    reference_point = torch.randn(1, 2, generator=rng, dtype=torch.float64)
    precision = torch.linalg.inv(COVARIANCE)

    def gram(x: Tensor) -> Tensor:
        maps = (x @ weight.T).tanh().unflatten(1, (3, 4))
        return maps @ maps.mT / 12

    reference = gram(reference_point)

    def log_density(x: Tensor) -> Tensor:
        away = x - MEAN
        return -(away @ precision * away).sum(1) / 2 - gamma * (gram(x) - reference).square().sum((1, 2))

    return log_density


def log_proposal(to: Tensor, at: Points, sigma: float, scale: Tensor) -> Tensor:
    """log N(to; m(at), sigma^2 M), as it is written down."""
    variance = (sigma**2 * scale).expand_as(to)
    return -((to - drift(at, sigma, scale)).square() / variance + (2 * pi * variance).log()).flatten(1).sum(1) / 2


@pytest.mark.parametrize("gamma", [0.0, 50.0])
@pytest.mark.parametrize("scale", [torch.ones(2), torch.tensor([1.0, 0.1])], ids=["plain", "preconditioned"])
def test_detailed_balance_is_exact(gamma: float, scale: Tensor) -> None:
    """S1: log pi(x) + log q(x' | x) + min(0, log r) is the same backwards, for 1,000 pairs, to 1e-9."""
    density, sigma, rng = gaussian_with_gram_term(gamma), 0.5, seeded(1)
    x, y = torch.randn(2, 1000, 2, generator=rng, dtype=torch.float64)
    one, other = look(density, x), look(density, y)
    there = one.log_pi + log_proposal(y, one, sigma, scale) + log_ratio(one, other, sigma, scale).clamp(max=0)
    back = other.log_pi + log_proposal(x, other, sigma, scale) + log_ratio(other, one, sigma, scale).clamp(max=0)
    assert (there - back).abs().max() < 1e-9


def quadrature(log_density: Callable[[Tensor], Tensor]) -> tuple[Tensor, Tensor]:
    """Mean and covariance of the density on a grid of 401 x 401 points over +-8."""
    line = torch.linspace(-8, 8, 401, dtype=torch.float64)
    grid = torch.cartesian_prod(line, line)
    mass = log_density(grid).softmax(0).unsqueeze(1)
    mean = (mass * grid).sum(0)
    return mean, (mass * (grid - mean)).T @ (grid - mean)


@pytest.fixture(scope="module")
def moments() -> Callable[[float, bool], tuple[Tensor, Tensor, float]]:
    """Errors of mean and covariance, and the acceptance, of 2,000 chains of 1,500 steps: every fifth after 500."""

    def errors(gamma: float, mh: bool) -> tuple[Tensor, Tensor, float]:
        density, rng = gaussian_with_gram_term(gamma), seeded(2)
        x = torch.randn(2000, 2, generator=rng, dtype=torch.float64)
        x = run_chains(density, x, 500, 0.5, rng, mh=mh).x
        seen, acceptance = [], 0.0
        for _ in range(200):
            chains = run_chains(density, x, 5, 0.5, rng, mh=mh)
            x, acceptance = chains.x, acceptance + float(chains.acceptance.mean()) / 200
            seen.append(x)
        mean, covariance = quadrature(density)
        points = torch.cat(seen)
        return (points.mean(0) - mean).abs(), (points.T.cov() - covariance).abs(), acceptance

    return errors


@pytest.mark.parametrize("gamma", [0.0, 5.0, 50.0])
def test_the_stationary_law_is_the_density_with_the_gram_term(moments: Callable, gamma: float) -> None:
    """S2: errors of mean and covariance at most 0.01 with the test, and 0.05 or more of the covariance without."""
    mean, covariance, acceptance = moments(gamma, True)
    assert mean.max() <= 0.01
    assert covariance.max() <= 0.01
    assert 0.5 < acceptance < 0.98
    assert moments(gamma, False)[1].max() >= 0.05


def well(dimensions: int) -> Callable[[Tensor], Tensor]:
    """An energy of the size of a classifier's logit: a bump of height 10 and width 1/2 in each direction."""
    return lambda x: 10 - 2 * x.square().sum(1) * (64 / dimensions)


def test_the_ratio_is_taken_at_the_temperature_of_step_and_noise() -> None:
    """S9: acceptance is above .5 at T = sigma^2 / (2 eps), and below .05 where the ratio alone is taken at T = 1."""
    sigma, eps = 0.05, 0.0625
    t, energy = temperature(sigma, eps), well(64)
    assert t == pytest.approx(0.02)

    def consistent(x: Tensor) -> Tensor:
        return energy(x) / t

    def miswired(x: Tensor) -> Tensor:
        """The gradient at T, and with it the proposal, but the value at 1."""
        return energy(x).detach() + consistent(x) - consistent(x).detach()

    start = torch.randn(200, 64, generator=seeded(0), dtype=torch.float64) * 0.3
    right = run_chains(consistent, start, 100, sigma, seeded(1))
    wrong = run_chains(miswired, start, 100, sigma, seeded(1))
    assert right.acceptance.mean() > 0.5
    assert wrong.acceptance.mean() < 0.05


def test_a_drift_of_eps_times_the_gradient_of_the_energy() -> None:
    """(sigma^2 / 2) grad log pi = eps grad f: without a test, a step is the one of the official release."""
    sigma, eps = 0.01, 1.0
    x = torch.randn(5, 3, generator=seeded(0), dtype=torch.float64)
    at = look(lambda z: z.sin().sum(1) / temperature(sigma, eps), x)
    torch.testing.assert_close(drift(at, sigma), x + eps * x.cos())
    noise = torch.randn(5, 3, generator=seeded(1), dtype=torch.float64)
    torch.testing.assert_close(propose(at, sigma, seeded(1)), x + eps * x.cos() + sigma * noise)


def test_chains_do_not_hear_of_each_other() -> None:
    """What is drawn for a chain depends on its own state alone, given the same noise."""
    density = gaussian_with_gram_term(5.0)
    x = torch.randn(4, 2, generator=seeded(0), dtype=torch.float64)
    moved = x.clone()
    moved[1:] += 3
    first, second = (run_chains(density, start, 20, 0.3, seeded(1)) for start in (x, moved))
    assert torch.equal(first.x[0], second.x[0])
    assert not torch.equal(first.x[1:], second.x[1:])


def test_the_warm_up_is_not_tested_and_counts_for_nothing() -> None:
    """Of each chain its own number of steps; a density that refuses everything holds a chain that has none left."""

    def wall(x: Tensor) -> Tensor:
        return -1e9 * (x - 1).square().sum(1)

    x = torch.ones(3, 2, dtype=torch.float64)
    chains = run_chains(wall, x, 5, 0.01, seeded(0), warmup=torch.tensor([0, 1, 5]))
    assert chains.tested.tolist() == [5, 4, 0]
    assert torch.equal(chains.x[0], x[0])
    assert not torch.equal(chains.x[1], x[1])
    assert chains.acceptance[2].isnan()
    assert run_chains(wall, x, 5, 0.01, seeded(0), mh=False).tested.tolist() == [0, 0, 0]


def test_what_is_not_a_number_is_not_accepted() -> None:
    assert accept(torch.tensor([float("nan"), -1e9, 1.0]), seeded(0)).tolist() == [False, False, True]


def test_a_rise_is_always_accepted_and_a_fall_as_often_as_its_ratio() -> None:
    assert accept(torch.zeros(1000), seeded(0)).all()
    assert accept(torch.full((100_000,), log(0.3)), seeded(0)).float().mean() == pytest.approx(0.3, abs=0.01)


def test_one_pass_forward_and_back_for_a_step() -> None:
    """The value and the gradient at the current point are kept, not computed again."""
    calls = []

    def counted(x: Tensor) -> Tensor:
        calls.append(len(x))
        return -x.square().sum(1)

    run_chains(counted, torch.zeros(7, 2), 10, 0.1, seeded(0))
    assert calls == [7] * 11
