"""What the measures of codes and factors cost: run with `pytest tests/benchmarks --benchmark-only`."""

import time

import numpy as np
import pytest

from bench.metrics.disentanglement.dci import disentanglement_completeness_informativeness
from bench.metrics.disentanglement.mig import mutual_information_gap
from bench.metrics.disentanglement.modularity import modularity
from bench.metrics.disentanglement.sap import separated_attribute_predictability
from bench.metrics.disentanglement.votes import beta_vae_score, factor_vae_score

pytestmark = pytest.mark.benchmark(timer=time.process_time)  # CPU seconds: the machine may be busy

KINDS = ("categorical", "linear", "circular", "linear", "linear", "circular", "linear")  # as in sprites
CODES = [10, 64]


def _table(codes: int, n: int = 15_000) -> tuple[np.ndarray, np.ndarray]:
    """Seven factors and codes that mix them."""
    rng = np.random.default_rng(0)
    factors = np.stack([rng.integers(4, size=n), *rng.random((6, n))], axis=1)
    return factors @ rng.normal(size=(7, codes)) + 0.1 * rng.normal(size=(n, codes)), factors


@pytest.mark.parametrize("codes", CODES)
@pytest.mark.parametrize("measure", [mutual_information_gap, separated_attribute_predictability, modularity])
def test_measures_of_15000_rows(benchmark, measure, codes):
    benchmark.pedantic(measure, (*_table(codes), KINDS), rounds=3)


@pytest.mark.parametrize("codes", CODES)
def test_quick_dci(benchmark, codes):
    """10,000 rows to learn from, 5,000 to test on."""
    table = (*_table(codes), KINDS)
    disentanglement_completeness_informativeness(*table, train=100, test=100)  # imports
    benchmark.pedantic(disentanglement_completeness_informativeness, table, rounds=3)


def test_quick_dci_beside_the_published_one(benchmark):
    """Target: `extra_info.times_quicker` at least 10, with 10 codes."""
    table = (*_table(10), KINDS)
    disentanglement_completeness_informativeness(*table, train=100, test=100)  # imports
    started = time.process_time()
    disentanglement_completeness_informativeness(*table)
    quick = time.process_time() - started
    benchmark.pedantic(disentanglement_completeness_informativeness, table, {"learner": "published"}, rounds=1)
    benchmark.extra_info["times_quicker"] = benchmark.stats.stats.median / quick


@pytest.mark.parametrize("codes", CODES)
@pytest.mark.parametrize("score", ["FactorVAE", "BetaVAE"])
def test_votes(benchmark, score, codes):
    """10,000 votes to learn from, 5,000 to evaluate."""
    rng = np.random.default_rng(0)
    pool = [rng.normal(size=(10, 256, codes)) for _ in range(7)]
    if score == "FactorVAE":
        benchmark.pedantic(factor_vae_score, (pool, np.ones(codes)), rounds=3)
    else:
        benchmark.pedantic(beta_vae_score, (pool,), rounds=3)
