"""Factors of all kinds, independent and uniform."""

from collections.abc import Callable

import numpy as np
import pytest


def _draw(n: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.stack([rng.integers(4, size=n), rng.random(n), rng.random(n)], axis=1)


@pytest.fixture(scope="session")
def kinds() -> tuple[str, ...]:
    return ("categorical", "linear", "circular")


@pytest.fixture(scope="session")
def draw() -> Callable[..., np.ndarray]:
    """n rows (n, 3) of a categorical factor of 4 values, a linear one, and a circular one in turns."""
    return _draw


@pytest.fixture(scope="session")
def factors() -> np.ndarray:
    return _draw(3_000)
