"""Real digits of 8 pixels, for the tests of every plugin here."""

import pytest

from bench import Data
from bench.testing.fixtures import digits


@pytest.fixture(scope="session")
def train() -> Data:
    return digits()[:1297]


@pytest.fixture(scope="session")
def test() -> Data:
    return digits()[1297:]
