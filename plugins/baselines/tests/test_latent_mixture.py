"""Autoencoders with a mixture of Gaussians over their codes: what the mixture adds, and that it adds nothing else."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch

from bench import BenchError, Data, Images, to_float
from bench.api import capabilities
from bench_baselines import AeGmm, AeGmmConfig, AeMix, Gmm, PlainVae, VaeMix, VaeMixConfig

Fit = Callable[..., Any]
SMALL_VAE_MIX = VaeMixConfig(width=8, latent_dim=8, mixture=3)
SMALL_AE_GMM = AeGmmConfig(width=8, latent_dim=16, ema=0.98, mixture=3)


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def vae_mix(train: Data, fit: Fit) -> VaeMix:
    return fit(VaeMix, SMALL_VAE_MIX, train)


@pytest.fixture(scope="module")
def ae_gmm(train: Data, fit: Fit) -> AeGmm:
    return fit(AeGmm, SMALL_AE_GMM, train)


@pytest.mark.parametrize(("name", "control"), [("vae_mix", "vae"), ("ae_gmm", "ae_mix")])
def test_the_networks_are_those_of_the_method_that_it_controls_for(
    name: str, control: str, request: pytest.FixtureRequest, test_images: Images
) -> None:
    """To the bit: all that differs is where codes come from."""
    mixed, plain = request.getfixturevalue(name), request.getfixturevalue(control)
    assert torch.equal(mixed.reconstruct(test_images[:50]), plain.reconstruct(test_images[:50]))


@pytest.mark.parametrize("name", ["vae_mix", "ae_gmm"])
def test_codes_of_a_class_have_the_mean_of_its_training_codes(
    name: str, request: pytest.FixtureRequest, train: Data
) -> None:
    model = request.getfixturevalue(name)
    for label in (0, 7):
        codes = model.encode(to_float(train.images[train.labels == label]))
        drawn = model.mixture.draw(torch.full((4_000,), label), rng())
        apart = (drawn.mean(0) - codes.mean(0)) / codes.std(0)
        assert apart.abs().max() < 0.2
        assert (drawn.std(0) / codes.std(0)).log().abs().mean() < 0.2


def test_a_vae_draws_its_classes_where_it_drew_a_blend_of_them(vae_mix: VaeMix, vae: PlainVae, gmm: Gmm) -> None:
    """Told by the Gaussian mixture of pixels: of the class that was asked for, and surer than of draws from N(0, I)."""
    labels = torch.arange(500) % 10
    mixed, plain = gmm.logits(vae_mix.sample_class(labels, rng())), gmm.logits(vae.sample(500, rng()))
    assert (mixed.argmax(1) == labels).float().mean() > 0.3  # by chance 0.1
    assert mixed.logsumexp(1).mean() > plain.logsumexp(1).mean()


@pytest.mark.parametrize("name", ["vae_mix", "ae_gmm"])
def test_samples_have_the_classes_of_the_training_set(name: str, request: pytest.FixtureRequest) -> None:
    model = request.getfixturevalue(name)
    torch.testing.assert_close(model.class_share.sum(), torch.tensor(1.0))
    assert set(capabilities(model)) == {"ClassConditional", "CodeConditional", "Encoding", "Reconstructing"}
    assert torch.equal(model.sample(8, rng()), model.decode(model.draw_codes(8, rng()), rng()))


def test_a_class_without_images_is_an_error(train: Data, fit: Fit) -> None:
    without = replace(train, labels=train.labels.masked_fill(train.labels == 3, 4))
    with pytest.raises(BenchError, match=r"class '3': expected at least one training image, got none"):
        fit(AeGmm, replace(SMALL_AE_GMM, width=4), without, 640)


@pytest.mark.parametrize("setting", ["mixture", "most", "iterations", "prior_images", "width"])
@pytest.mark.parametrize("config", [VaeMixConfig, AeGmmConfig])
def test_settings_that_cannot_work_are_refused(config: type, setting: str) -> None:
    with pytest.raises(ValueError, match=setting):
        config(**{setting: 0})


def test_it_is_a_control_for_ae_mix(ae_gmm: AeGmm, ae_mix: AeMix, gmm: Gmm) -> None:
    """Both draw digits of the class that was asked for, from the same decoder."""
    labels = torch.arange(200) % 10
    for model in (ae_gmm, ae_mix):
        assert (gmm.logits(model.sample_class(labels, rng())).argmax(1) == labels).float().mean() > 0.6
