"""Precision, recall, density, coverage: agreement with torch-fidelity, a picture by hand, and the extremes."""

import numpy as np
import pytest
import torch

from bench.errors import BenchError
from bench.metrics import manifold as module
from bench.metrics import products
from bench.metrics.manifold import manifold

CPU = torch.device("cpu")


def _gaussian(seed: int, n: int = 300, d: int = 4) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, d)).astype(np.float32)


def test_precision_and_recall_agree_with_torch_fidelity():
    reference = pytest.importorskip("torch_fidelity.metric_prc").calculate_precision_recall_full
    x, y = _gaussian(0, 250) * 0.7 + 0.5, _gaussian(1, 350)
    found = manifold(x, y, CPU)
    wanted = reference(torch.from_numpy(x), torch.from_numpy(y), neighborhood=module.K)
    assert (found.precision, found.recall) == pytest.approx(wanted, abs=1e-6)
    assert 0.2 < found.recall < found.precision < 1


def test_density_and_coverage_are_those_counted_by_hand():
    x, y = _gaussian(2, 40), _gaussian(3, 50)
    real = np.linalg.norm(y[:, None] - y[None], axis=2)
    radius = np.sort(real, axis=1)[:, module.K]  # column 0 is the image itself
    inside = np.linalg.norm(x[:, None] - y[None], axis=2) <= radius
    found = manifold(x, y, CPU)
    assert found.density == pytest.approx(inside.sum() / (module.K * len(x)))
    assert found.coverage == pytest.approx(inside.any(0).mean())
    assert found.precision == pytest.approx(inside.any(1).mean())


def test_real_against_real_is_high_in_all_four():
    found = manifold(_gaussian(4, 500), _gaussian(5, 500), CPU)
    assert found.precision > 0.85
    assert found.recall > 0.85
    assert found.coverage > 0.85
    assert found.density == pytest.approx(1, abs=0.15)


def test_one_image_repeated_is_precise_and_recalls_and_covers_nothing():
    real = _gaussian(6, 500)
    found = manifold(np.repeat(real[np.argmin((real**2).sum(1))][None], 300, axis=0), real, CPU)
    assert found.precision == 1
    assert found.recall < 0.01
    assert found.coverage < 0.05


def test_noise_far_away_scores_zero_in_all_four():
    found = manifold(_gaussian(7) + 100, _gaussian(8), CPU)
    assert (found.precision, found.recall, found.density, found.coverage) == (0, 0, 0, 0)


def test_half_of_the_modes_halves_recall_and_coverage_and_not_precision():
    real = np.concatenate([_gaussian(9), _gaussian(10) + 50])
    found = manifold(_gaussian(11), real, CPU)
    assert found.precision > 0.9
    assert found.recall == pytest.approx(0.5, abs=0.05)
    assert found.coverage == pytest.approx(0.5, abs=0.05)


def test_the_size_of_the_blocks_does_not_matter(monkeypatch: pytest.MonkeyPatch):
    x, y = _gaussian(12, 110), _gaussian(13, 90)
    whole = manifold(x, y, CPU)
    monkeypatch.setattr(products, "SIDE", 7)
    assert manifold(x, y, CPU) == whole


def test_as_few_images_as_neighbours_are_an_error():
    with pytest.raises(BenchError, match="expected more than k=5 samples and reference images, got 5"):
        manifold(_gaussian(0, 5), _gaussian(1, 50), CPU)
