"""KID: agreement with torch-fidelity, no bias, and the subsets of the protocol."""

import numpy as np
import pytest
import torch

from bench.metrics.kernel import kernel_distance
from bench.metrics.kernel_sums import subset_size


def test_it_agrees_with_torch_fidelity_on_one_subset_of_everything():
    reference = pytest.importorskip("torch_fidelity.metric_kid").kid_features_to_metric
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(80, 16)), rng.exponential(size=(80, 16))
    settings = {"kid_subsets": 1, "kid_subset_size": 80, "rng_seed": 0, "verbose": False}
    wanted = reference(torch.from_numpy(x), torch.from_numpy(y), **settings)
    found, spread = kernel_distance(x, y, 1, 80)
    assert found == pytest.approx(wanted["kernel_inception_distance_mean"], rel=1e-9)
    assert spread == 0


def test_the_mean_over_draws_of_the_same_distribution_is_zero_and_falls_below_it_at_times():
    rng = np.random.default_rng(1)
    values = [kernel_distance(rng.normal(size=(40, 8)), rng.normal(size=(40, 8)), 1, 40)[0] for _ in range(200)]
    assert abs(np.mean(values)) < 4 * np.std(values) / 200**0.5
    assert min(values) < 0


def test_a_shift_is_seen_and_more_shift_more():
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(200, 8)), rng.normal(size=(300, 8))
    values = [kernel_distance(x + shift, y, 10, 100)[0] for shift in (0.0, 0.5, 1.0)]
    assert values[0] < 0.1 < values[1] < values[2]


def test_the_same_features_give_the_same_number_whatever_was_drawn_before():
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(100, 8)), rng.normal(size=(100, 8))
    first = kernel_distance(x, y, 5, 30)
    torch.rand(3)
    np.random.rand(3)
    assert kernel_distance(x, y, 5, 30) == first


def test_subsets_are_a_quarter_of_the_smaller_sample_and_a_thousand_at_most():
    assert [subset_size(*sizes) for sizes in ((2000, 5000), (100, 40), (4, 4), (50_000, 50_000))] == [500, 10, 2, 1000]
