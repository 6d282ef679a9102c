"""Real 8x8 digits, one STIC trained on them at small size, and an independent judge: all fitted once."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from bench import Data
from bench.testing.fixtures import Judge, fitted
from bench_stic import Stic, SticConfig

TOY = SticConfig(
    width=16, store_size=1_000, steps=10, restart=0.05, eps=0.0625, sigma=0.05, gamma=0.1, blank_steps=100
)  # T = .02, as in the toy runs of the idea
BUDGET = 24_000  # training images seen


@pytest.fixture(scope="session")
def fit() -> Callable[..., Any]:
    return fitted


@pytest.fixture(scope="session")
def model(train: Data) -> Iterator[Stic]:
    """The model that most tests look at. Never change it."""
    return fitted(Stic, TOY, train, BUDGET)


@pytest.fixture(scope="session")
def judge(train: Data) -> Judge:
    return Judge(train)
