"""FD-infinity: the line, the limit it finds, and its standard error."""

import numpy as np
import pytest

from bench.errors import BenchError
from bench.metrics.fidelity import frechet_from_features
from bench.metrics.infinity import extrapolate, intercept


def test_points_on_a_line_give_its_intercept_without_error():
    x = np.array([1.0, 1.5, 2.0, 2.0])
    assert intercept(x, 3 + 7 * x) == pytest.approx((3, 0), abs=1e-9)


def test_the_standard_error_is_that_of_least_squares():
    rng = np.random.default_rng(0)
    x = rng.uniform(1, 2, 50)
    found = [intercept(x, 3 + 7 * x + rng.normal(size=50)) for _ in range(400)]
    limits, errors = np.array(found).T
    assert np.mean(limits) == pytest.approx(3, abs=0.1)
    assert np.mean(errors) == pytest.approx(np.std(limits), rel=0.1)


@pytest.mark.parametrize(("shift", "scale"), [(0.0, 1.0), (0.1, 1.0), (0.0, 1.3)])
def test_the_limit_is_the_distance_between_the_distributions(shift: float, scale: float):
    rng, d = np.random.default_rng(1), 48
    spectrum = np.arange(1, d + 1) ** -0.5
    truth = shift**2 * d + (scale - 1) ** 2 * np.sum(spectrum**2)
    found, raw = [], []
    for _ in range(8):
        x, y = shift + scale * spectrum * rng.normal(size=(600, d)), spectrum * rng.normal(size=(900, d))
        found.append(extrapolate(x, y))
        raw.append(frechet_from_features(x[:600], y[:600]))
    limits, errors = np.array(found).T
    assert np.mean(limits) == pytest.approx(truth, abs=3 * np.std(limits) / 8**0.5 + 0.01)
    assert np.mean(raw) - truth > 5 * abs(np.mean(limits) - truth)
    assert np.mean(np.abs(limits - truth) < 3 * errors) >= 0.75


def test_too_few_images_are_an_error_with_the_counts():
    with pytest.raises(BenchError, match="expected at least 8 samples and reference images, got 5"):
        extrapolate(np.zeros((5, 3)), np.zeros((50, 3)))


def test_identical_disjoint_and_repeated_images_have_the_distances_of_their_means_and_spreads():
    rng = np.random.default_rng(9)
    x = rng.normal(size=(400, 6))
    assert extrapolate(x, x)[0] == pytest.approx(0, abs=1e-6)
    assert extrapolate(x + 100, x)[0] == pytest.approx(6 * 100**2, rel=1e-9)
    point = np.repeat(x[:1], 400, axis=0)
    wanted = np.sum((x[0] - x.mean(0)) ** 2) + np.trace(np.cov(x, rowvar=False))
    assert extrapolate(point, x)[0] == pytest.approx(wanted, rel=0.1)
