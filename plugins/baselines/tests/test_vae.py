"""The VAEs: the bound, what they can do without and with labels, and real digits."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch

from bench import Data, Images, Run
from bench.api import capabilities
from bench.parts.gaussian import gaussian_nll, importance_weighted, kl_to_standard
from bench_baselines import ConditionalVae, PlainVae, VaeConfig

Fit = Callable[..., Any]


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_the_loss_is_the_negative_bound_term_by_term(vae: PlainVae, test_images: Images) -> None:
    """Equation 1 by hand from mu, s, z, m and sigma, in nats, summed over pixels: to 1e-5."""
    x = test_images[:16]
    terms = vae.vae(x, rng())
    mu, log_s = vae.vae.encode(x)
    mean, log_sigma = vae.vae.decode(terms.codes), vae.vae.log_sigma()
    normal = torch.distributions.Normal(mean, log_sigma.exp().expand_as(mean))
    posterior = torch.distributions.Normal(mu, log_s.exp())
    prior = torch.distributions.Normal(torch.zeros_like(mu), torch.ones_like(mu))
    kl = torch.distributions.kl_divergence(posterior, prior).sum(1)
    wanted = (kl - normal.log_prob(x).flatten(1).sum(1)).mean()
    torch.testing.assert_close(terms.loss, wanted, rtol=1e-5, atol=1e-3)


def test_the_importance_weighted_estimate_lies_above_the_bound_and_rises_with_draws(
    vae: PlainVae, test_images: Images
) -> None:
    bound = -vae.vae(test_images, rng()).loss
    few, many = (vae.log_likelihood(test_images, rng(1), draws).mean() for draws in (5, 60))
    assert bound < few < many


def test_the_density_of_a_conditional_vae_is_the_sum_over_classes(cvae: ConditionalVae, test_images: Images) -> None:
    """log p(x) = log sum_y p(y) p(x|y), each p(x|y) estimated on its own."""
    images = test_images[:20]
    of_classes = [cvae.vae.log_likelihood(images, rng(2), 100, torch.full((20,), label)) for label in range(10)]
    wanted = (torch.stack(of_classes, 1) + cvae.class_share.log()).logsumexp(1)
    weights = cvae.log_weights(images, 300, rng(3))
    assert weights.shape == (300, 20)
    found = importance_weighted(weights)
    assert (found - wanted).abs().mean() < 1
    torch.testing.assert_close(cvae.log_likelihood(images, rng(3), 300), found)


def test_that_density_also_holds_if_the_classes_cannot_be_told_apart(test: Data, test_images: Images) -> None:
    """Without training q(y|x) is nearly flat, so that each draw of a class has a weight of its own."""
    torch.manual_seed(0)
    model = ConditionalVae(VaeConfig(sigma="fixed"), test.spec).eval()
    images = test_images[:8]
    assert float(model.logits(images).softmax(1).max()) < 0.5
    of_classes = [model.vae.log_likelihood(images, rng(2), 300, torch.full((8,), label)) for label in range(10)]
    expected = (torch.stack(of_classes, 1) + model._log_share()).logsumexp(1)
    torch.testing.assert_close(model.log_likelihood(images, rng(3), 1000), expected, rtol=0, atol=0.3)


def test_learned_sigmas_follow_the_residuals(train: Data, fit: Fit) -> None:
    """Pixels that vary have a larger sigma than the constant border, and none lies at its start any more."""
    vae = fit(PlainVae, VaeConfig(width=8, latent_dim=8, sigma="element"), train)
    log_sigma, spread = vae.vae.log_sigma().flatten(), (train.images.float() / 255).std(0).flatten()
    assert log_sigma[spread > 0.3].mean() > log_sigma[spread < 0.05].mean() + 0.3
    assert log_sigma.max() < -0.5
    assert log_sigma.min() >= vae.config.sigma_floor


def test_reconstructions_beat_the_mean_image(vae: PlainVae, test_images: Images) -> None:
    error = (vae.reconstruct(test_images) - test_images).square().mean()
    assert error < 0.85 * test_images.var(0, correction=0).mean()


def test_a_fixed_sigma_of_one_drowns_the_pixels(train: Data, fit: Fit, vae: PlainVae, test_images: Images) -> None:
    """Why sigma is learned: at 1, half a squared error of pixels in [0, 1] buys next to nothing of the code."""
    drowned = fit(PlainVae, replace(vae.config, sigma="fixed"), train, 4_000)
    errors = [(it.reconstruct(test_images) - test_images).square().mean() for it in (vae, drowned)]
    kls = [kl_to_standard(*it.vae.encode(test_images)).mean() for it in (vae, drowned)]
    assert errors[0] < 0.8 * errors[1]
    assert kls[0] > 3 * kls[1]


def test_a_plain_vae_has_no_labels_and_a_conditional_one_has(vae: PlainVae, cvae: ConditionalVae) -> None:
    common = {"CodeConditional", "Density", "Encoding", "Reconstructing"}
    assert set(capabilities(vae)) == common
    assert set(capabilities(cvae)) == common | {"ClassConditional", "ClassMixing", "SelfClassifying"}


def test_a_conditional_vae_tells_unseen_digits_by_its_bound(
    cvae: ConditionalVae, test: Data, test_images: Images
) -> None:
    assert (cvae.logits(test_images).argmax(1) == test.labels).float().mean() > 0.85


def test_its_logits_are_the_bounds_of_each_label(cvae: ConditionalVae, test_images: Images) -> None:
    """Equation 3 by the public parts, for label 7."""
    x, labels = test_images[:8], torch.full((8,), 7)
    mu, log_s = cvae.vae.encode(x, labels)
    pixels = gaussian_nll(x, cvae.vae.decode(mu, labels), cvae.vae.log_sigma())
    wanted = cvae.class_share[7].log() - pixels - kl_to_standard(mu, log_s)
    torch.testing.assert_close(cvae.logits(x)[:, 7], wanted, rtol=1e-4, atol=1e-2)


def test_digits_drawn_for_a_label_are_of_that_label(cvae: ConditionalVae, gmm: Any) -> None:
    """Told by the Gaussian mixture, which is another method."""
    labels = torch.arange(200) % 10
    assert (gmm.logits(cvae.sample_class(labels, rng())).argmax(1) == labels).float().mean() > 0.8


def test_codes_of_a_conditional_vae_hold_the_class(cvae: ConditionalVae, test: Data, test_images: Images) -> None:
    codes = cvae.encode(test_images)
    assert codes.shape[1] == cvae.config.latent_dim + 10
    assert torch.equal(codes[:, -10:].sum(1), torch.ones(len(codes)))
    assert (codes[:, -10:].argmax(1) == test.labels).float().mean() > 0.85
    assert torch.equal(cvae.decode(codes, rng()), cvae.reconstruct(test_images))


def test_a_mixture_of_one_class_is_that_class(cvae: ConditionalVae) -> None:
    labels = torch.arange(10)
    assert torch.equal(cvae.sample_mixture(torch.eye(10), rng()), cvae.sample_class(labels, rng()))


def test_samples_follow_the_classes_of_the_training_set(train: Data, fit: Fit, cvae: ConditionalVae) -> None:
    rare = torch.cat([(train.labels != 3).nonzero()[:, 0], (train.labels == 3).nonzero()[:20, 0]])
    model = fit(ConditionalVae, cvae.config, train[rare], 64)
    assert float(model.class_share[3]) == pytest.approx(20 / len(rare))
    drawn = model.draw_codes(5_000, rng())[:, -10:].mean(0)
    torch.testing.assert_close(drawn, model.class_share, atol=0.02, rtol=0)


def test_the_whole_budget_is_used_and_no_more(train: Data, vae: PlainVae) -> None:
    model = PlainVae(vae.config, train.spec)
    run = Run(model, images=640)
    model.fit(train, run)
    assert run.left == 0


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"batch_size": 1}, "batch_size: expected at least 2"),
        ({"lr": -1.0}, "lr: expected a value of at least 0"),
        ({"warmup": 2.0}, "warmup: expected a value in"),
    ],
)
def test_settings_that_cannot_work_are_refused(settings: dict[str, float], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        VaeConfig(**settings)
