"""The VAE of few codes: its terms are the closed forms, larger images are pooled exactly, and log p(x) is a density."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.distributions import Bernoulli, Normal, kl_divergence

from bench import BenchError
from bench.parts.code_vae import CodeVae, Likelihood

SHAPE = (3, 8, 8)
LIKELIHOODS: list[Likelihood] = ["bernoulli", "gaussian"]


def vae(likelihood: Likelihood = "bernoulli", shape: tuple[int, int, int] = SHAPE) -> CodeVae:
    torch.manual_seed(0)
    return CodeVae(shape, latent_dim=3, width=4, hidden=16, likelihood=likelihood)


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def images(n: int, side: int = 8) -> Tensor:
    return torch.rand(n, 3, side, side, generator=rng(9))


def test_the_kl_of_each_code_is_the_closed_form() -> None:
    terms = vae()(images(4), rng())
    prior = Normal(torch.zeros(4, 3), torch.ones(4, 3))
    torch.testing.assert_close(terms.kl, kl_divergence(Normal(terms.mu, terms.log_s.exp()), prior))


def test_the_reconstruction_error_is_a_sum_over_pixels_in_nats() -> None:
    x = images(4).round()
    terms = vae()(x, rng())
    expected = -Bernoulli(logits=terms.logits).log_prob(x).flatten(1).sum(1)
    torch.testing.assert_close(terms.pixels, expected)


def test_the_squared_error_is_without_a_half_and_up_to_a_constant_a_gaussian_of_variance_a_half() -> None:
    x = images(4)
    terms = vae("gaussian")(x, rng())
    mean = torch.sigmoid(terms.logits)
    torch.testing.assert_close(terms.pixels, (x - mean).square().flatten(1).sum(1))
    likelihood = Normal(mean, math.sqrt(0.5)).log_prob(x).flatten(1).sum(1)
    torch.testing.assert_close(terms.pixels, -likelihood - 0.5 * math.log(math.pi) * x[0].numel())


def test_codes_are_a_draw_of_what_the_encoder_says() -> None:
    net, x = vae(), images(4)
    terms = net(x, rng())
    mu, log_s = net.encode(x)
    assert torch.equal(terms.codes, mu + log_s.exp() * torch.randn(mu.shape, generator=rng()))
    assert torch.equal(terms.logits, net.logits(terms.codes))
    assert torch.equal(net.decode(terms.codes), torch.sigmoid(terms.logits))


@pytest.mark.parametrize("times", [2, 4])
def test_larger_images_are_average_pooled_exactly_and_pass_gradient(times: int) -> None:
    net, large = vae(), images(2, 8 * times).requires_grad_()
    small = net.fit_size(large)
    assert torch.equal(small, F.avg_pool2d(large, times))
    assert torch.equal(net.encode(large)[0], net.encode(small)[0])
    net.encode(large)[0].sum().backward()
    assert large.grad is not None
    assert (large.grad.flatten(1).abs().sum(1) > 0).all()


def test_images_of_its_own_side_are_left_alone_and_smaller_ones_refused() -> None:
    net, x = vae(), images(2)
    assert net.fit_size(x) is x
    with pytest.raises(BenchError, match="a VAE of 8 pixels: expected images of at least this side, got 4 pixels"):
        net.encode(images(2, 4))


def test_the_terms_of_larger_images_are_those_of_the_pooled_ones() -> None:
    net, large = vae(), images(3, 16)
    assert torch.equal(net(large, rng()).pixels, net(net.fit_size(large), rng()).pixels)
    assert torch.equal(net.log_likelihood(large, rng(), 3), net.log_likelihood(net.fit_size(large), rng(), 3))


def test_log_variances_stay_within_8_and_keep_their_gradient() -> None:
    net = vae()
    last = net.encoder[-1]
    assert isinstance(last, nn.Linear)
    with torch.no_grad():
        last.bias[3:] = torch.tensor([-60.0, -20.0, 60.0])
    log_s = net.encode(images(2))[1]
    assert (2 * log_s).abs().max() <= 8
    log_s.sum().backward()
    assert last.bias.grad is not None
    assert (last.bias.grad[3:] > 0).all()


def test_a_log_variance_near_0_is_what_the_linear_layer_says() -> None:
    net, x = vae(), images(5)
    log_variance = net.encoder(x).detach()[:, 3:]
    assert log_variance.abs().max() < 1
    torch.testing.assert_close(2 * net.encode(x)[1].detach(), log_variance, rtol=0.01, atol=1e-3)


@pytest.mark.parametrize("likelihood", LIKELIHOODS)
def test_more_draws_make_a_tighter_likelihood_than_the_bound(likelihood: Likelihood) -> None:
    net, x = vae(likelihood), images(8)
    terms = [net(x, rng(seed)) for seed in range(50)]
    constant = 0.5 * math.log(math.pi) * x[0].numel() if likelihood == "gaussian" else 0.0
    bound = -torch.stack([it.pixels + it.kl.sum(1) for it in terms]).mean() - constant
    assert net.log_likelihood(x, rng(), draws=50).mean() > bound


def test_the_likelihoods_of_all_binary_images_sum_to_one() -> None:
    """Of 4 of 16 pixels, the others black for sure: 16 images, each by 2,000 draws."""
    net = vae(shape=(1, 4, 4))
    last = net.decoder[-1]
    assert isinstance(last, nn.ConvTranspose2d)
    with torch.no_grad():
        last.weight *= 5
    free = torch.zeros(1, 4, 4, dtype=torch.bool)
    free[:, :2, :2] = True
    inner, outer = net.logits, torch.full((1, 4, 4), -50.0)
    net.logits = lambda codes: torch.where(free, inner(codes), outer)  # type: ignore[method-assign]
    values = torch.tensor([[float(index >> bit & 1) for bit in range(4)] for index in range(16)])
    x = torch.zeros(16, 1, 4, 4)
    x[:, :, :2, :2] = values.view(16, 1, 2, 2)
    assert net.log_likelihood(x, rng(), 2_000).exp().sum().item() == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("side", [4, 5, 8, 28, 32, 48, 64])
def test_images_of_any_side_that_doubles_come_back_in_their_shape(side: int) -> None:
    net = vae(shape=(3, side, side))
    assert net.decode(torch.zeros(2, 3)).shape == (2, 3, side, side)
    assert net.encode(images(2, side))[0].shape == (2, 3)


def test_the_network_of_64_pixels_is_that_of_the_paper() -> None:
    net = CodeVae((3, 64, 64), latent_dim=10)
    convolutions = [it for it in net.encoder if isinstance(it, nn.Conv2d)]
    assert [it.out_channels for it in convolutions] == [32, 32, 64, 64, 256]
    assert [it.stride[0] for it in convolutions] == [2, 2, 2, 2, 1]
    transposed = [it for it in net.decoder if isinstance(it, nn.ConvTranspose2d)]
    assert [it.out_channels for it in transposed] == [64, 64, 32, 32, 3]
    assert all(it.kernel_size == (4, 4) for it in [*convolutions, *transposed])


def test_a_side_that_does_not_double_is_refused() -> None:
    with pytest.raises(BenchError, match="got 30; the nearest are 28 and 32"):
        vae(shape=(3, 30, 30))


def test_terms_are_float32_under_mixed_precision() -> None:
    with torch.autocast("cpu", torch.bfloat16):
        terms = vae()(images(2), rng())
    assert {it.dtype for it in (terms.pixels, terms.kl, terms.mu, terms.log_s, terms.codes, terms.logits)} == {
        torch.float32
    }
