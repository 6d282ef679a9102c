"""The disentangling VAEs as entries: one network, three objectives, and settings that cannot work."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from bench import BenchError, Data, Images, Run, Spec
from bench.api import capabilities
from bench.testing.fixtures import Interrupt
from bench_baselines import BetaTcVae, BetaTcVaeConfig, BetaVae, BetaVaeConfig, FactorVae, FactorVaeConfig
from bench_baselines.disentangled import DisentangledConfig, DisentangledVae

Fit = Callable[..., Any]
SMALL: dict[str, Any] = {"latent_dim": 4, "width": 4, "hidden": 16, "batch_size": 32}
ENTRIES: list[tuple[type[DisentangledVae], DisentangledConfig]] = [
    (BetaVae, BetaVaeConfig(**SMALL)),
    (FactorVae, FactorVaeConfig(**SMALL, units=16, layers=2)),
    (BetaTcVae, BetaTcVaeConfig(**SMALL)),
]
each = pytest.mark.parametrize(("cls", "config"), ENTRIES, ids=lambda it: getattr(it, "__name__", ""))


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def same(first: torch.nn.Module, second: torch.nn.Module) -> bool:
    state = second.state_dict()
    return all(torch.equal(value, state[name]) for name, value in first.state_dict().items())


@each
def test_an_interrupted_training_ends_in_the_same_state(
    train: Data, fit: Fit, tmp_path: Path, cls: type, config: DisentangledConfig
) -> None:
    options: dict[str, Any] = {"folder": tmp_path, "checkpoint_every": 0.0}
    with pytest.raises(KeyboardInterrupt):
        fit(cls, config, train, 30 * 32, progress=Interrupt(20 * 32), **options)
    resumed = fit(cls, config, train, 30 * 32, **options)
    assert same(resumed, fit(cls, config, train, 30 * 32))


@each
def test_codes_are_means_samples_are_of_the_prior_and_images_are_in_range(
    test_images: Images, train: Data, cls: type, config: DisentangledConfig
) -> None:
    model = cls(config, train.spec)
    assert set(capabilities(model)) == {"CodeConditional", "Density", "Encoding", "Reconstructing"}
    codes = model.encode(test_images[:5])
    assert torch.equal(codes, model.vae.encode(test_images[:5])[0])
    assert torch.equal(model.reconstruct(test_images[:5]), model.decode(codes, rng()))
    assert torch.equal(model.sample(5, rng()), model.decode(torch.randn(5, 4, generator=rng()), rng()))
    assert model.log_likelihood(test_images[:5], rng(), 2).isfinite().all()


@each
def test_only_gaussian_pixels_have_a_density(train: Data, cls: type, config: DisentangledConfig) -> None:
    bernoulli, gaussian = (cls(replace(config, likelihood=it), train.spec) for it in ("bernoulli", "gaussian"))
    assert bernoulli.no_density == "likelihood=bernoulli is no density of grey levels"
    assert gaussian.no_density == ""


def test_at_beta_1_both_are_the_plain_vae(train: Data, fit: Fit) -> None:
    plain, corrected = BetaVaeConfig(**SMALL, kl_warmup=0, beta=1), BetaTcVaeConfig(**SMALL, kl_warmup=0, beta=1)
    assert same(fit(BetaVae, plain, train, 64), fit(BetaTcVae, corrected, train, 64))


@pytest.mark.parametrize("change", [
    {"beta": 20.0}, {"capacity": 3.0}, {"kl_warmup": 0.9}, {"likelihood": "gaussian"}, {"optimizer": "adam"},
    {"lr": 0.001}, {"warmup": 0.9}, {"batch_size": 16},
])  # fmt: skip
def test_every_setting_of_the_training_changes_the_model(train: Data, fit: Fit, change: dict[str, Any]) -> None:
    config = BetaVaeConfig(**SMALL)
    assert not same(fit(BetaVae, config, train, 320), fit(BetaVae, replace(config, **change), train, 320))


@pytest.mark.parametrize("change", [{"gamma": 50.0}, {"units": 8}, {"layers": 1}, {"discriminator_lr": 0.1}])
def test_every_setting_of_the_discriminator_changes_the_model(train: Data, fit: Fit, change: dict[str, Any]) -> None:
    config = FactorVaeConfig(**SMALL, units=16, layers=2, discriminator_lr=0.01)
    assert not same(fit(FactorVae, config, train, 320), fit(FactorVae, replace(config, **change), train, 320))


def test_the_weight_of_the_total_correlation_changes_the_model(train: Data, fit: Fit) -> None:
    first, second = (fit(BetaTcVae, BetaTcVaeConfig(**SMALL, beta=beta), train, 320) for beta in (2.0, 20.0))
    assert not same(first, second)


@each
def test_one_training_image_is_refused(train: Data, fit: Fit, cls: type, config: DisentangledConfig) -> None:
    with pytest.raises(BenchError, match="expected at least 2 training images, got 1"):
        fit(cls, config, train[:1], 64)


@each
def test_two_training_images_give_finite_weights(train: Data, fit: Fit, cls: type, config: DisentangledConfig) -> None:
    model = fit(cls, config, train[:2], 320)
    assert all(value.isfinite().all() for value in model.state_dict().values())


@each
def test_the_whole_budget_is_used_and_no_more(train: Data, cls: type, config: DisentangledConfig) -> None:
    model = cls(config, train.spec)
    run = Run(model, images=160)
    model.fit(train, run)
    assert run.left == 0


def test_a_side_that_cannot_be_halved_to_a_small_map_is_refused() -> None:
    with pytest.raises(BenchError, match="got 30; the nearest are 28 and 32"):
        BetaVae(BetaVaeConfig(), Spec("x", 1, 30, ("a", "b")))


@pytest.mark.parametrize(
    ("config", "settings", "words"),
    [
        (BetaVaeConfig, {"latent_dim": 0}, "latent_dim must be at least 1, got 0"),
        (BetaVaeConfig, {"batch_size": 0}, "batch_size must be at least 1, got 0"),
        (BetaVaeConfig, {"beta": -1.0}, "beta must be at least 0, got -1.0"),
        (BetaVaeConfig, {"beta": float("nan")}, "beta must be at least 0, got nan"),
        (BetaVaeConfig, {"capacity": -1.0}, "capacity must be at least 0"),
        (BetaVaeConfig, {"kl_warmup": 1.5}, "kl_warmup must lie in 0 ... 1"),
        (FactorVaeConfig, {"batch_size": 1}, "batch_size must be at least 2, got 1"),
        (FactorVaeConfig, {"gamma": -1.0}, "gamma must be at least 0"),
        (FactorVaeConfig, {"layers": 0}, "layers must be at least 1"),
        (BetaTcVaeConfig, {"batch_size": 1}, "batch_size must be at least 2, got 1"),
        (BetaTcVaeConfig, {"beta": -1.0}, "beta must be at least 0"),
    ],
)
def test_settings_that_cannot_work_are_refused(config: type, settings: dict[str, float], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        config(**settings)
