"""Real 8x8 digits, and every baseline fitted to them once."""

from collections.abc import Callable
from typing import Any

import pytest

from bench import Data, Images, to_float
from bench.testing.fixtures import fitted
from bench_baselines import AeMix, AeMixConfig, ConditionalVae, Gmm, GmmConfig, PlainVae, VaeConfig

SMALL_VAE = VaeConfig(width=8, latent_dim=8)
SMALL_AE = AeMixConfig(width=8, latent_dim=16, bank_size=1_000, ema=0.98)
SMALL_GMM = GmmConfig(components=24, mixture=3, prior_images=40.0)
BUDGET = 12_800  # training images seen


def trained(cls: type, config: Any, data: Data, images: int = BUDGET, **options: Any) -> Any:
    """A model trained on this number of images, its weights drawn from a fixed seed."""
    return fitted(cls, config, data, images, **options).eval()


@pytest.fixture(scope="session")
def test_images(test: Data) -> Images:
    return to_float(test.images)


@pytest.fixture(scope="session")
def fit() -> Callable[..., Any]:
    return trained


@pytest.fixture(scope="session")
def vae(train: Data) -> PlainVae:
    return trained(PlainVae, SMALL_VAE, train)


@pytest.fixture(scope="session")
def cvae(train: Data) -> ConditionalVae:
    return trained(ConditionalVae, SMALL_VAE, train)


@pytest.fixture(scope="session")
def ae_mix(train: Data) -> AeMix:
    return trained(AeMix, SMALL_AE, train)


@pytest.fixture(scope="session")
def gmm(train: Data) -> Gmm:
    return trained(Gmm, SMALL_GMM, train, 4_000)
