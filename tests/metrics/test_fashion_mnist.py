"""The documented figures for lite0 on Fashion-MNIST; skipped unless $BENCH_DATA holds its files."""

import numpy as np
import pytest
import torch

from bench.data import bench_datasets, load
from bench.metrics.fidelity import frechet_distance, frechet_from_features, moments
from bench.metrics.manifold import manifold
from bench.metrics.spaces import load_space
from bench.metrics.subsets import stratified


@pytest.fixture(scope="module")
def real():
    state = bench_datasets()["fashion-mnist"]().state()
    if state.state != "ready":
        pytest.skip(f"Fashion-MNIST is not available: {state.note}")
    dataset = load("fashion-mnist")
    lite0 = load_space("lite0")
    return lite0, stratified(dataset.test, 2000, "n"), lite0(stratified(dataset.train, 5000, "reference").images)


def test_distances_are_those_that_were_published_with_the_design(real):
    lite0, test, reference = real
    rng = torch.Generator().manual_seed(0)
    noisy = (test.images + 10 * torch.randn(test.images.shape, generator=rng)).clamp(0, 255).round().byte()
    features = lite0(test.images)
    assert frechet_from_features(features, reference) == pytest.approx(118, rel=0.05)
    assert frechet_from_features(lite0(noisy), reference) == pytest.approx(907, rel=0.05)
    kept = features[test.labels.numpy() < 5]
    missing = frechet_from_features(np.concatenate([kept, kept]), reference)
    assert missing == pytest.approx(649, rel=0.1)
    found = manifold(features, reference, torch.device("cpu"))
    assert found.precision > 0.85
    assert found.recall > 0.85


def test_one_image_repeated_is_as_far_as_noise_and_recalls_nothing(real):
    lite0, test, reference = real
    features, flat = lite0(test.images[:50]), np.zeros((1280, 1280))
    known = moments(reference)
    distances = [frechet_distance(one, flat, *known) for one in features]
    assert np.mean(distances) == pytest.approx(4137, rel=0.1)
    repeated = np.repeat(features[:1], 100, axis=0)
    assert manifold(repeated, reference[:500], torch.device("cpu")).recall < 0.02
