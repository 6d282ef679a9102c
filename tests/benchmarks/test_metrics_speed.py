"""What measuring costs: run with `pytest tests/benchmarks --benchmark-only`. Nothing here is asserted in time."""

import time

import numpy as np
import pytest
import torch

from bench.metrics.fidelity import frechet_distance, frechet_from_features, moments
from bench.metrics.infinity import extrapolate
from bench.metrics.kernel import kernel_distance
from bench.metrics.manifold import manifold
from bench.metrics.spaces import load_space

pytestmark = pytest.mark.benchmark(timer=time.process_time)  # CPU seconds: the machine may be busy


def _features(n: int, d: int, seed: int) -> np.ndarray:
    """Correlated, as features are."""
    rng = np.random.default_rng(seed)
    turn = np.eye(d) + 0.3 * rng.normal(size=(d, d)) / d**0.5
    return (rng.normal(size=(n, d)) * np.linspace(0.1, 1, d) @ turn).astype(np.float32)


def _cpu_seconds(work, *arguments):
    started = time.process_time()
    result = work(*arguments)
    return result, time.process_time() - started


def test_frechet_at_2048(benchmark):
    """Target: under 3 CPU-seconds, and `extra_info.times_quicker` (than clean-fid's) at least 6."""
    theirs = pytest.importorskip("cleanfid.fid").frechet_distance
    statistics = [value for seed in (0, 1) for value in moments(_features(5000, 2048, seed))]
    frechet_distance(*statistics)
    ours = benchmark.pedantic(frechet_distance, statistics, rounds=5)
    wanted, seconds = _cpu_seconds(theirs, *statistics)
    benchmark.extra_info["clean_fid_cpu_seconds"] = seconds
    benchmark.extra_info["times_quicker"] = seconds / benchmark.stats.stats.median
    assert ours == pytest.approx(wanted, rel=1e-6)


def test_frechet_at_2048_from_fewer_samples(benchmark):
    """1,000 features against 1,000: singular values instead of covariances."""
    benchmark.pedantic(frechet_from_features, (_features(1000, 2048, 0), _features(1000, 2048, 1)), rounds=3)


def test_lite0_features(benchmark):
    """Target: 2,000 gray images of 28 pixels in 3 seconds on two cores; `extra_info.images_per_cpu_second`."""
    space = load_space("lite0")
    images = torch.randint(0, 256, (1000, 1, 28, 28), dtype=torch.uint8)
    space(images[:100])
    benchmark.pedantic(space, (images,), rounds=3)
    benchmark.extra_info["images_per_cpu_second"] = len(images) / benchmark.stats.stats.median


@pytest.mark.parametrize(
    "measure",
    [
        frechet_from_features,
        extrapolate,
        lambda x, y: kernel_distance(x, y, 20, 500),
        lambda x, y: manifold(x, y, torch.device("cpu")),
    ],
    ids=["fd", "fd-inf", "kid", "precision and the like"],
)
def test_metrics_of_2000_lite0_features_against_5000(benchmark, measure):
    """Together they should stay under 3 seconds on two cores."""
    benchmark.pedantic(measure, (_features(2000, 1280, 0), _features(5000, 1280, 1)), rounds=3, warmup_rounds=1)
