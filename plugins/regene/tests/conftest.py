"""Real 8x8 digits, one ReGene trained on them, and an independent judge: all fitted once."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import nn

from bench import Codes, Data, Images, Labels, Run, Spec, to_float
from bench_regene import ReGene, ReGeneConfig

SPEC = Spec("digits", channels=1, size=8, classes=tuple("0123456789"))
# The terms as section 3 of the README has them, each at the weight that its claims are about.
CONFIG = ReGeneConfig(
    width=16,
    latent_dim=32,
    bank_size=2_000,
    mse_weight=0.0,
    feature_weight=1.0,
    class_weight=0.1,
    neighbours=None,
)
BUDGET = 60_000  # training images seen


@pytest.fixture(scope="session")
def train() -> Data:
    return digits()[:1297]


@pytest.fixture(scope="session")
def test() -> Data:
    return digits()[1297:]


def digits() -> Data:
    """All 1,797 digits of scikit-learn in a fixed random order, 0..16 stretched to 0..255."""
    images, labels = load_digits(return_X_y=True)
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(0))
    pixels = torch.from_numpy(images).reshape(-1, 1, 8, 8).mul(255 / 16).round().to(torch.uint8)
    return Data(SPEC, pixels[order], torch.from_numpy(labels)[order].long())


def fitted(config: ReGeneConfig, data: Data, images: int, **options: Any) -> ReGene:
    """A model trained on so many images, its weights drawn from a fixed seed."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = ReGene(config, data.spec)
    model.fit(data, Run(model, images=images, **options))
    return model


@pytest.fixture(scope="session")
def fit() -> Callable[..., ReGene]:
    return fitted


@pytest.fixture(scope="session")
def model(train: Data) -> ReGene:
    """The model that most tests look at. Never change it."""
    return fitted(CONFIG, train, BUDGET)


@pytest.fixture
def draw(model: ReGene) -> Callable[..., tuple[Codes, Labels]]:
    """Mixed latents of all classes in turn, and their classes: draw(count, n=2, alpha=1.0, ...)."""

    def mixed(count: int, **options: Any) -> tuple[Codes, Labels]:
        labels = torch.arange(count) % len(model.spec.classes)
        rng = torch.Generator().manual_seed(1)
        return model.bank.draw(labels, replace(model.config, **options), rng), labels

    return mixed


def fit_judge(data: Data) -> Callable[[Images], Labels]:
    """A classifier of another architecture and seed, trained on real images only: images -> classes."""
    with torch.random.fork_rng():
        torch.manual_seed(1234)
        net = nn.Sequential(
            nn.Conv2d(1, 24, 5, padding=2), nn.SiLU(), nn.MaxPool2d(2),
            nn.Conv2d(24, 48, 3), nn.SiLU(), nn.Flatten(), nn.Linear(48 * 4, 64), nn.SiLU(), nn.Linear(64, 10),
        )  # fmt: skip
    optimizer = torch.optim.AdamW(net.parameters(), 2e-3)
    for images, labels in Run(net, images=40_000, seed=1234).batches(data, 64, 40_000):
        optimizer.zero_grad()
        F.cross_entropy(net(images), labels).backward()
        optimizer.step()
    net.requires_grad_(False)
    return lambda images: net(images).argmax(1)


@pytest.fixture(scope="session")
def judge(train: Data) -> Callable[[Images], Labels]:
    return fit_judge(train)


@pytest.fixture(scope="session")
def test_images(test: Data) -> Images:
    return to_float(test.images)
