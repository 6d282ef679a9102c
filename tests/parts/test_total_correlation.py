"""Minibatch-weighted sampling: a slow transcription, factorised Gaussians, and codes that depend on each other."""

import math

import pytest
import torch
from torch import Tensor
from torch.distributions import Normal

from bench.parts.gaussian import draw
from bench.parts.total_correlation import weighted_total_correlation


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def posteriors(n: int, d: int) -> tuple[Tensor, Tensor]:
    return torch.randn(n, d, generator=rng(1)), torch.randn(n, d, generator=rng(2)) - 1


def slowly(codes: Tensor, mu: Tensor, log_s: Tensor, images: int) -> float:
    """Equations S3 and S4 in double precision, one density after another."""
    n, d = codes.shape
    codes, mu, log_s = codes.double(), mu.double(), log_s.double()
    total = 0.0
    for i in range(n):
        each = [
            [float(Normal(mu[k, j], log_s[k, j].exp()).log_prob(codes[i, j]).exp()) for j in range(d)] for k in range(n)
        ]
        joint = sum(math.prod(row) for row in each) / (n * images)
        columns = [sum(row[j] for row in each) / (n * images) for j in range(d)]
        total += math.log(joint) - sum(map(math.log, columns))
    return total / n


def test_it_is_what_a_slow_loop_says() -> None:
    mu, log_s = posteriors(6, 3)
    codes = draw(mu, log_s, rng())
    found = weighted_total_correlation(codes, mu, log_s, 1_000).item()
    assert found == pytest.approx(slowly(codes, mu, log_s, 1_000), rel=1e-4)


@pytest.mark.parametrize("d", [1, 2, 5])
def test_posteriors_that_are_all_the_same_have_the_bias_only(d: int) -> None:
    """q(c|x) = q(c) factorises: nothing is left of the densities, but log(images) is subtracted d times, not once."""
    mu, log_s = torch.full((8, d), 0.7), torch.full((8, d), -0.4)
    found = weighted_total_correlation(draw(mu, log_s, rng()), mu, log_s, 500).item()
    assert found == pytest.approx((d - 1) * math.log(500), abs=1e-4)


def test_one_code_alone_has_none() -> None:
    mu, log_s = posteriors(16, 1)
    assert weighted_total_correlation(draw(mu, log_s, rng()), mu, log_s, 100).item() == pytest.approx(0, abs=1e-5)


def test_the_number_of_images_shifts_it_and_leaves_the_gradient() -> None:
    mu, log_s = posteriors(6, 3)
    mu.requires_grad_()
    found, gradients = [], []
    for images in (10, 10_000):
        value = weighted_total_correlation(draw(mu, log_s, rng()), mu, log_s, images)
        found.append(value.item())
        gradients.append(torch.autograd.grad(value, mu)[0])
    assert found[1] - found[0] == pytest.approx(2 * math.log(1_000), abs=1e-3)
    torch.testing.assert_close(*gradients, atol=1e-5, rtol=1e-4)


def test_codes_that_repeat_each_other_have_more_than_independent_ones() -> None:
    """The same marginals: a column twice, against it and a permutation of it. 512 posteriors of deviation 0.1."""
    column = torch.randn(512, 1, generator=rng())
    log_s = torch.full((512, 2), math.log(0.1))
    found = []
    for second in (column, column[torch.randperm(512, generator=rng(3))]):
        mu = torch.cat([column, second], 1)
        found.append(weighted_total_correlation(draw(mu, log_s, rng(4)), mu, log_s, 1).item())
    assert found[0] > found[1] + 1
