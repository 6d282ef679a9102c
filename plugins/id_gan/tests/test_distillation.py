"""The distillation term against its closed forms, what G is given, and the bridge between resolutions."""

import math
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from bench.parts.code_vae import CodeVae
from bench_id_gan.distillation import Distillation, ceiling, distillation

NO_LABELS = torch.zeros(8, dtype=torch.int64)
NO_FEATURES = torch.zeros(8, 0)  # of D


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def some_vae(size: int = 8) -> CodeVae:
    torch.manual_seed(0)
    return CodeVae((1, size, size), latent_dim=3, width=4, hidden=16)


def condition(**options: Any) -> Distillation:
    return Distillation(some_vae(), **({"w_info": 1.0, "source": "aggregated", "target": "sample"} | options))


def test_the_term_is_the_negative_log_density_of_the_codes() -> None:
    """Equation 3, against torch's own normal distribution."""
    codes, mu, log_s = torch.randn(3, 5, 4).unbind()
    expected = -torch.distributions.Normal(mu, log_s.exp()).log_prob(codes).sum(1).mean()
    torch.testing.assert_close(distillation(codes, mu, log_s), expected, rtol=1e-4, atol=1e-4)


def test_a_code_that_is_not_coded_adds_a_constant_of_1_419_nats() -> None:
    """q(c|x) = N(0, 1) for every image: E[0.5 (log 2 pi + c^2)] = 0.5 log(2 pi e)."""
    assert ceiling(torch.zeros(2, 1)).item() == pytest.approx(1.4189, abs=1e-4)


def test_the_ceiling_is_the_expectation_of_the_term_on_real_images() -> None:
    """Equation 5, against a mean over draws of c from q(c|x); three standard errors."""
    mu, log_s = torch.randn(1, 4, generator=rng()), torch.randn(1, 4, generator=rng(1))
    codes = mu + log_s.exp() * torch.randn(50_000, 4, generator=rng(2))
    drawn = distillation(codes, mu.expand_as(codes), log_s.expand_as(codes))
    assert drawn.item() == pytest.approx(ceiling(log_s).item(), abs=3 * (4 * 0.5 / 50_000) ** 0.5)


def test_the_gradient_draws_the_reading_to_the_code_in_units_of_the_variance() -> None:
    """d/d mu of 0.5 (c - mu)^2 / s^2 = (mu - c) / s^2."""
    codes, mu, log_s = torch.tensor([[2.0]]), torch.tensor([[0.5]], requires_grad=True), torch.tensor([[math.log(0.5)]])
    distillation(codes, mu, log_s).backward()
    assert mu.grad is not None
    torch.testing.assert_close(mu.grad, torch.tensor([[(0.5 - 2.0) / 0.25]]))


def test_codes_of_the_aggregated_posterior_are_draws_of_the_images_own() -> None:
    it, images = condition(), torch.rand(8, 1, 8, 8)
    mu, log_s = it.vae.encode(images)
    given = it.draw(images, NO_LABELS, rng())
    torch.testing.assert_close(given.vectors, mu + log_s.exp() * torch.randn(8, 3, generator=rng()))
    assert given.target is given.vectors
    torch.testing.assert_close(given.shown["l_real"], ceiling(log_s))
    assert not given.vectors.requires_grad


def test_the_target_can_be_the_mean() -> None:
    it, images = condition(target="mean"), torch.rand(8, 1, 8, 8)
    given = it.draw(images, NO_LABELS, rng())
    assert given.target is not None
    torch.testing.assert_close(given.target, it.vae.encode(images)[0])
    assert not torch.equal(given.vectors, given.target)


def test_codes_of_the_prior_do_not_depend_on_the_images() -> None:
    it = condition(source="prior")
    first, second = (it.draw(torch.rand(8, 1, 8, 8), NO_LABELS, rng()) for _ in range(2))
    assert torch.equal(first.vectors, second.vectors)
    torch.testing.assert_close(first.vectors, torch.randn(8, 3, generator=rng()))


def test_the_loss_is_weighted_and_passes_gradient_to_the_images() -> None:
    images = torch.rand(8, 1, 8, 8, requires_grad=True)
    losses = []
    for weight in (1.0, 0.25):
        it = condition(w_info=weight)
        loss, shown = it.loss(it.draw(images, NO_LABELS, rng()), images, NO_FEATURES)
        torch.testing.assert_close(loss, weight * shown["l_id"])
        losses.append(loss)
    torch.testing.assert_close(losses[1], 0.25 * losses[0])
    losses[0].backward()
    assert images.grad is not None
    assert images.grad.abs().sum() > 0


def test_without_a_weight_the_encoder_is_not_asked() -> None:
    it, images = condition(w_info=0.0), torch.rand(8, 1, 8, 8)
    given = it.draw(images, NO_LABELS, rng())
    del it.vae
    loss, shown = it.loss(given, images, NO_FEATURES)
    assert loss == 0
    assert not shown


@pytest.mark.parametrize("factor", [2, 4])
def test_the_encoder_reads_the_average_pooled_image(factor: int) -> None:
    """Item 8: the bridge between resolutions is exact, and gradient passes through it."""
    it, images = condition(), torch.rand(8, 1, 8 * factor, 8 * factor, requires_grad=True)
    seen: list[Tensor] = []
    it.vae.encoder.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    given = it.draw(images, NO_LABELS, rng())
    it.loss(given, images, NO_FEATURES)[0].backward()
    for found in seen:
        torch.testing.assert_close(found, F.avg_pool2d(images, factor))
    assert len(seen) == 2
    assert images.grad is not None
    assert (images.grad != 0).all()
