"""The diversity ratio: its closed form, its extremes, and the classes it needs."""

import numpy as np
import pytest
import torch

from bench.api import Data
from bench.errors import BenchError
from bench.metrics import diversity
from bench.metrics.diversity import diversity_ratio


def test_spread_is_the_mean_distance_between_different_images_of_a_class(toys):
    data = toys.toy_images(40, 0)
    flat = (data.images.double() / 255).flatten(1)
    for label, found in enumerate(diversity.spread(data, torch.device("cpu"))):
        assert found == pytest.approx(float(torch.pdist(flat[data.labels == label]).mean()), rel=1e-4)


def test_real_images_have_ratio_one(make_context):
    assert diversity_ratio(make_context()).value == pytest.approx(1, abs=0.05)


def test_one_image_for_each_class_has_ratio_zero(make_context, dataset):
    labels = torch.arange(60) % 3
    first = torch.stack([dataset.test.images[dataset.test.labels == label][0] for label in range(3)])
    collapsed = Data(dataset.spec, first[labels], labels)
    assert diversity_ratio(make_context(samples=collapsed)).value == 0


def test_half_the_contrast_halves_the_ratio(make_context, dataset):
    real = dataset.test[:60]
    dimmed = Data(real.spec, (real.images.double() / 2).round().to(torch.uint8), real.labels)
    whole, half = (diversity_ratio(make_context(samples=samples)).value for samples in (real, dimmed))
    assert half / whole == pytest.approx(0.5, abs=0.01)


def test_a_class_with_one_sample_is_an_error_with_both_counts(make_context, dataset):
    labels = torch.tensor([0] * 59 + [1])
    with pytest.raises(BenchError, match=r"'middle': expected at least 2 samples .* got 1 of n=60 samples"):
        diversity_ratio(make_context(samples=Data(dataset.spec, dataset.test.images[:60], labels)))


def test_float_sums_do_not_drift(monkeypatch, toys):
    data = toys.toy_images(100, 1)
    whole = diversity.spread(data, torch.device("cpu"))
    monkeypatch.setattr("bench.metrics.neighbours.ROWS", 3)
    assert np.allclose(diversity.spread(data, torch.device("cpu")), whole, rtol=1e-6)
