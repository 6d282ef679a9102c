"""Real 8x8 digits, and every baseline fitted to them once."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from sklearn.datasets import load_digits

from bench import Data, Images, Run, Spec, to_float
from bench_baselines import AeMix, AeMixConfig, ConditionalVae, Gmm, GmmConfig, PlainVae, VaeConfig

SPEC = Spec("digits", channels=1, size=8, classes=tuple("0123456789"))
SMALL_VAE = VaeConfig(width=8, latent_dim=8)
SMALL_AE = AeMixConfig(width=8, latent_dim=16, bank_size=1_000, ema=0.98)
SMALL_GMM = GmmConfig(components=24, mixture=3, prior_images=40.0)
BUDGET = 12_800  # training images seen


def digits() -> Data:
    """All 1,797 digits of scikit-learn in a fixed random order, 0..16 stretched to 0..255."""
    images, labels = load_digits(return_X_y=True)
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(0))
    pixels = torch.from_numpy(images).reshape(-1, 1, 8, 8).mul(255 / 16).round().to(torch.uint8)
    return Data(SPEC, pixels[order], torch.from_numpy(labels)[order].long())


def fitted(cls: type, config: Any, data: Data, images: int = BUDGET, **options: Any) -> Any:
    """A model trained on so many images, its weights drawn from a fixed seed."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = cls(config, data.spec)
    model.fit(data, Run(model, images=images, **options))
    return model.eval()


@pytest.fixture(scope="session")
def train() -> Data:
    return digits()[:1297]


@pytest.fixture(scope="session")
def test() -> Data:
    return digits()[1297:]


@pytest.fixture(scope="session")
def test_images(test: Data) -> Images:
    return to_float(test.images)


@pytest.fixture(scope="session")
def fit() -> Callable[..., Any]:
    return fitted


@pytest.fixture(scope="session")
def vae(train: Data) -> PlainVae:
    return fitted(PlainVae, SMALL_VAE, train)


@pytest.fixture(scope="session")
def cvae(train: Data) -> ConditionalVae:
    return fitted(ConditionalVae, SMALL_VAE, train)


@pytest.fixture(scope="session")
def ae_mix(train: Data) -> AeMix:
    return fitted(AeMix, SMALL_AE, train)


@pytest.fixture(scope="session")
def gmm(train: Data) -> Gmm:
    return fitted(Gmm, SMALL_GMM, train, 4_000)
