"""Gaussian likelihoods, KL and estimates against closed forms and torch.distributions."""

import math

import pytest
import torch
from torch.distributions import Independent, Normal, kl_divergence

from bench.parts.gaussian import LogSigma, draw, gaussian_nll, importance_weighted, kl_to_standard, log_density


def rng() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def test_the_likelihood_of_a_hand_made_example() -> None:
    a, b, log_sigma = torch.tensor([[1.0, 2.0]]), torch.tensor([[0.0, 4.0]]), torch.tensor([0.0, math.log(2)])
    # 0.5 (log 2pi + 0 + 1) + 0.5 (log 2pi + 2 log 2 + 4 / 4)
    assert gaussian_nll(a, b, log_sigma).item() == pytest.approx(math.log(2 * math.pi) + math.log(2) + 1)


@pytest.mark.parametrize("shape", [(3, 4, 4), (1, 1, 1), (3, 1, 1)])
def test_the_likelihood_sums_over_all_elements_whatever_shares_a_sigma(shape: tuple[int, ...]) -> None:
    a, b, log_sigma = torch.randn(5, 3, 4, 4), torch.randn(5, 3, 4, 4), torch.randn(shape)
    wanted = -Independent(Normal(b, log_sigma.exp().expand(3, 4, 4)), 3).log_prob(a)
    torch.testing.assert_close(gaussian_nll(a, b, log_sigma), wanted)


def test_the_likelihood_is_float32_of_half_precision_inputs() -> None:
    assert (
        gaussian_nll(torch.zeros(1, 2).bfloat16(), torch.zeros(1, 2).bfloat16(), torch.zeros(2)).dtype == torch.float32
    )


def test_kl_takes_the_logarithm_of_the_deviation_not_of_the_variance() -> None:
    mu, log_s = torch.randn(4, 6), torch.randn(4, 6)
    prior = Normal(torch.zeros(4, 6), torch.ones(4, 6))
    torch.testing.assert_close(kl_to_standard(mu, log_s), kl_divergence(Normal(mu, log_s.exp()), prior).sum(1))
    assert kl_to_standard(torch.zeros(1, 6), torch.zeros(1, 6)).item() == 0


def test_draws_have_their_mean_and_deviation_and_pass_gradients_on() -> None:
    mu, log_s = torch.full((20_000, 1), 3.0, requires_grad=True), torch.full((20_000, 1), -1.0, requires_grad=True)
    codes = draw(mu, log_s, rng())
    assert codes.mean().item() == pytest.approx(3, abs=0.01)
    assert codes.std().item() == pytest.approx(math.exp(-1), rel=0.02)
    codes.sum().backward()
    assert mu.grad is not None
    assert torch.equal(mu.grad, torch.ones_like(mu))
    assert log_s.grad is not None
    torch.testing.assert_close(log_s.grad, (codes - mu).detach())


def test_the_estimate_is_exact_for_a_linear_model_whose_posterior_is_known() -> None:
    # z ~ N(0, 1), x|z ~ N(z, 1): x ~ N(0, 2), z|x ~ N(x / 2, 1 / 2): every weight is p(x).
    x = torch.tensor([[0.3], [-2.0]])
    mu, log_s = x / 2, torch.full((2, 1), math.log(0.5) / 2)
    zero = torch.zeros(2, 1)
    generator = rng()

    def log_weight() -> torch.Tensor:
        z = draw(mu, log_s, generator)
        return log_density(z, zero, zero) - gaussian_nll(x, z, torch.zeros(1)) - log_density(z, mu, log_s)

    found = importance_weighted(torch.stack([log_weight() for _ in range(5)]))
    torch.testing.assert_close(found, Normal(0.0, math.sqrt(2)).log_prob(x).squeeze(1))


def test_more_draws_of_a_wrong_posterior_come_nearer_from_below() -> None:
    x, zero = torch.full((500, 1), 1.5), torch.zeros(500, 1)
    generator, mean, truth = rng(), x / 2, Normal(0.0, math.sqrt(2)).log_prob(torch.tensor(1.5)).item()

    def estimate(draws: int) -> float:
        rows = []
        for _ in range(draws):
            z = draw(mean, zero, generator)  # too wide
            rows.append(log_density(z, zero, zero) - gaussian_nll(x, z, torch.zeros(1)) - log_density(z, mean, zero))
        return importance_weighted(torch.stack(rows)).mean().item()

    assert estimate(1) < estimate(5) - 0.01 < estimate(50) < truth + 0.01


@pytest.mark.parametrize(("sharing", "count"), [("element", 12), ("layer", 1), ("fixed", 0)])
def test_sigma_is_shared_as_asked(sharing: str, count: int) -> None:
    log_sigma = LogSigma((3, 2, 2), sharing, start=-1.0)  # type: ignore[arg-type]
    assert sum(it.numel() for it in log_sigma.parameters()) == count
    assert torch.equal(log_sigma().expand(3, 2, 2), torch.full((3, 2, 2), -1.0))
    assert list(log_sigma.state_dict()) == ["value"]


def sunken(steps: int, floor: float) -> LogSigma:
    """After training on one element without residual and one with a residual of 1."""
    log_sigma = LogSigma((2,), floor=floor)
    optimizer = torch.optim.SGD(log_sigma.parameters(), 0.1)
    for _ in range(steps):
        optimizer.zero_grad()
        gaussian_nll(torch.tensor([[0.0, 1.0]]), torch.zeros(1, 2), log_sigma()).sum().backward()
        optimizer.step()
    return log_sigma


def test_without_a_floor_sigma_runs_away_and_with_one_it_does_not() -> None:
    assert sunken(200, -math.inf)()[0].item() < -15
    held = sunken(200, -2.5)()
    assert held[0].item() == -2.5
    assert held[1].item() == pytest.approx(0, abs=1e-3)  # the other is at its mean squared residual


def test_what_lies_at_the_floor_can_rise_again() -> None:
    log_sigma = sunken(200, -2.5)
    optimizer = torch.optim.SGD(log_sigma.parameters(), 1e-3)
    for _ in range(50):
        optimizer.zero_grad()
        gaussian_nll(torch.ones(1, 2), torch.zeros(1, 2), log_sigma()).sum().backward()
        optimizer.step()
    assert log_sigma()[0].item() > -2.4


def test_reading_sigma_in_eval_mode_changes_nothing() -> None:
    log_sigma = LogSigma((2,), floor=-1.0).eval()
    with torch.no_grad():
        log_sigma.value.fill_(-5)
    assert torch.equal(log_sigma(), torch.full((2,), -1.0))
    assert torch.equal(log_sigma.value, torch.full((2,), -5.0))
