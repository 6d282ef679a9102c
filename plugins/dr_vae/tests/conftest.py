"""The toys and figures beside the tests are modules of their own; models are trained once for all tests."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from dr_vae_toys import TOY, TOY_PLAIN, ConvGuide, fit_guide, fitted, with_term

from bench import Data, Images, to_float
from bench.testing.fixtures import Judge
from bench_dr_vae import DrVae
from bench_dr_vae.term import Term


@pytest.fixture(scope="session")
def guide(train: Data) -> ConvGuide:
    return fit_guide(train)


@pytest.fixture(scope="session")
def judge(train: Data) -> Judge:
    return Judge(train)


@pytest.fixture(scope="session")
def images(test: Data) -> Images:
    return to_float(test.images)


@pytest.fixture(scope="session")
def plain(train: Data, guide: ConvGuide) -> DrVae:
    """The plain VAE. Never change it."""
    return fitted(TOY_PLAIN, train, guide, 20_000)


@pytest.fixture(scope="session")
def both(train: Data, guide: ConvGuide) -> tuple[DrVae, Term]:
    """The same with the term, and the term. Never change them."""
    return with_term(TOY, train, guide, 20_000)


@pytest.fixture(scope="session")
def model(both: tuple[DrVae, Term]) -> DrVae:
    return both[0]


@pytest.fixture(scope="session")
def fit() -> Callable[..., DrVae]:
    return fitted
