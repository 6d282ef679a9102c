"""Real 8x8 digits, one ReGene trained on them, and an independent judge: all fitted once."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch

from bench import Codes, Data, Images, Labels, to_float
from bench.testing.fixtures import Judge, fitted
from bench_regene import ReGene, ReGeneConfig

# The terms as section 3 of the README has them, each at the weight that its claims are about.
CONFIG = ReGeneConfig(
    width=16,
    latent="dense",
    latent_dim=32,
    bank_size=2_000,
    mse_weight=0.0,
    feature_weight=1.0,
    class_weight=0.1,
    neighbours=None,
)
BUDGET = 60_000  # training images seen


def trained(config: ReGeneConfig, data: Data, images: int, **options: Any) -> ReGene:
    """A model trained on this number of images, its weights drawn from a fixed seed."""
    return fitted(ReGene, config, data, images, **options)


@pytest.fixture(scope="session")
def fit() -> Callable[..., ReGene]:
    return trained


@pytest.fixture(scope="session")
def model(train: Data) -> ReGene:
    """The model that most tests look at. Never change it."""
    return trained(CONFIG, train, BUDGET)


@pytest.fixture
def draw(model: ReGene) -> Callable[..., tuple[Codes, Labels]]:
    """Mixed latents of all classes in turn, and their classes: draw(count, n=2, alpha=1.0, ...)."""

    def mixed(count: int, **options: Any) -> tuple[Codes, Labels]:
        labels = torch.arange(count) % len(model.spec.classes)
        rng = torch.Generator().manual_seed(1)
        return model.bank.draw(labels, replace(model.config, **options), rng), labels

    return mixed


@pytest.fixture(scope="session")
def judge(train: Data) -> Judge:
    return Judge(train)


@pytest.fixture(scope="session")
def test_images(test: Data) -> Images:
    return to_float(test.images)
