"""What measuring costs: run with `pytest tests/benchmarks --benchmark-only`. Nothing here is asserted in time."""

import time

import numpy as np
import pytest
import torch

from bench.metrics.balls import K
from bench.metrics.features.resize import resize
from bench.metrics.fidelity import frechet_distance, frechet_from_features, moments
from bench.metrics.infinity import extrapolate
from bench.metrics.kernel import kernel_distance
from bench.metrics.manifold import fractions, manifold
from bench.metrics.pairs import Pairs, Subsets
from bench.metrics.spaces import load_space

CPU = torch.device("cpu")
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


@pytest.mark.parametrize("size", [32, 64, 128, 256, 512, 1024])
def test_resize_before_clean_features(benchmark, size):
    """Target: `extra_info.times_quicker` (than clean-fid's, on the same thread) at least 1.8; equal to 0.01 of 255."""
    theirs = pytest.importorskip("cleanfid.resize").build_resizer("clean")
    images = torch.randint(0, 256, (max(8, 2**19 // size**2), 3, size, size), dtype=torch.uint8)
    arrays = [image.permute(1, 2, 0).numpy() for image in images]
    ours = benchmark.pedantic(resize, (images, 299), rounds=5, warmup_rounds=1)
    rounds = [_cpu_seconds(lambda: [theirs(image) for image in arrays]) for _ in range(5)]
    benchmark.extra_info["times_quicker"] = min(seconds for _, seconds in rounds) / benchmark.stats.stats.min
    wanted = np.stack(rounds[0][0]).clip(0, 255).transpose(0, 3, 1, 2)
    assert np.abs(ours.numpy() - wanted).max() < 0.01


@pytest.mark.parametrize(
    "measure",
    [
        frechet_from_features,
        extrapolate,
        lambda x, y: kernel_distance(x, y, 20, 500),
        lambda x, y: manifold(x, y, CPU),
    ],
    ids=["fd", "fd-inf", "kid", "precision and the like"],
)
def test_metrics_of_2000_lite0_features_against_5000(benchmark, measure):
    """Together they should stay under 3 seconds on two cores."""
    benchmark.pedantic(measure, (_features(2000, 1280, 0), _features(5000, 1280, 1)), rounds=3, warmup_rounds=1)


def _everything(x: np.ndarray, y: np.ndarray) -> dict[str, float]:
    """Frechet distance, both kernel distances and the four fractions."""
    pairs = Pairs(x, y, CPU, k=K, subsets=Subsets(100, 1000))
    return {
        "fd": frechet_from_features(x, y),
        "kid": float(pairs.kernel_distances[:-1].mean()),
        "kid-all": float(pairs.kernel_distances[-1]),
        **vars(fractions(pairs.balls)),
    }


def _torch_fidelity_fd(x: np.ndarray, y: np.ndarray) -> float:
    module = pytest.importorskip("torch_fidelity.metric_fid")
    statistics = [module.fid_features_to_statistics(torch.from_numpy(value)) for value in (x, y)]
    return module.fid_statistics_to_metric(*statistics, False)["frechet_inception_distance"]


def _torch_fidelity_kid(x: np.ndarray, y: np.ndarray) -> float:
    module = pytest.importorskip("torch_fidelity.metric_kid")
    found = module.kid_features_to_metric(torch.from_numpy(x), torch.from_numpy(y), verbose=False)
    return found["kernel_inception_distance_mean"]


def _clean_fid_kid(x: np.ndarray, y: np.ndarray) -> float:
    return pytest.importorskip("cleanfid.fid").kernel_distance(x, y)


def _prdc(x: np.ndarray, y: np.ndarray) -> dict[str, float]:
    return pytest.importorskip("prdc").compute_prdc(y, x, K)


@pytest.fixture(scope="module")
def large() -> tuple[np.ndarray, np.ndarray]:
    """10,000 and 10,000 features of 2,048 dimensions."""
    torch.set_num_threads(1)
    return _features(10_000, 2048, 0), _features(10_000, 2048, 1)


@pytest.mark.parametrize(
    "measure",
    [
        frechet_from_features,
        lambda x, y: kernel_distance(x, y, 100, 1000),
        lambda x, y: manifold(x, y, CPU),
        _torch_fidelity_fd,
        _torch_fidelity_kid,
        _clean_fid_kid,
        _prdc,
    ],
    ids=["fd", "kid", "fractions", "torch-fidelity fd", "torch-fidelity kid", "clean-fid kid", "prdc"],
)
def test_each_metric_of_10000_features_against_10000(benchmark, large, measure):
    """One by one; kid is the mean over 100 subsets of 1,000."""
    benchmark.pedantic(measure, large, rounds=1)


def test_all_metrics_of_10000_features_against_10000(benchmark, large, capsys):
    """Target: `extra_info.ratio`, to torch-fidelity's FD and KID and prdc in the same run, at most 0.35."""
    found = benchmark.pedantic(_everything, large, rounds=1)
    theirs = [_cpu_seconds(measure, *large) for measure in (_torch_fidelity_fd, _torch_fidelity_kid, _prdc)]
    seconds = sum(seconds for _, seconds in theirs)
    benchmark.extra_info["others_cpu_seconds"] = seconds
    benchmark.extra_info["ratio"] = benchmark.stats.stats.median / seconds
    with capsys.disabled():
        print(f"\n{benchmark.stats.stats.median:.1f} / {seconds:.1f} CPU-s = {benchmark.extra_info['ratio']:.2f}")
    assert found["fd"] == pytest.approx(theirs[0][0], rel=1e-6)
    assert {name: found[name] for name in theirs[2][0]} == pytest.approx(theirs[2][0], abs=1e-3)
