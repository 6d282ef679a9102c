"""Frechet distance: closed forms, agreement with the published implementation, and what breaks others."""

import numpy as np
import pytest

from bench.errors import BenchError
from bench.metrics.fidelity import frechet_distance, frechet_from_features, moments


def _covariance(rng: np.random.Generator, d: int, n: int) -> np.ndarray:
    return np.cov(rng.normal(size=(n, d)) * np.linspace(0.1, 2, d), rowvar=False)


def test_two_isotropic_gaussians_have_the_distance_of_the_formula():
    # |mu|^2 + d (s1 - s2)^2
    d = 37
    found = frechet_distance(np.zeros(d), 4 * np.eye(d), np.full(d, 0.5), 9 * np.eye(d))
    assert found == pytest.approx(d * 0.25 + d * 1.0, rel=1e-12)


def test_commuting_covariances_have_the_distance_of_their_spectra():
    rng = np.random.default_rng(0)
    basis, _ = np.linalg.qr(rng.normal(size=(20, 20)))
    a, b = rng.uniform(0.1, 5, 20), rng.uniform(0.1, 5, 20)
    found = frechet_distance(np.zeros(20), basis * a @ basis.T, np.zeros(20), basis * b @ basis.T)
    assert found == pytest.approx(np.sum((np.sqrt(a) - np.sqrt(b)) ** 2), rel=1e-10)


@pytest.mark.parametrize(("n", "m"), [(1000, 2000), (60, 2000), (2000, 60), (60, 50)])
def test_it_agrees_with_torch_fidelity_for_samples_larger_and_smaller_than_d(n: int, m: int):
    reference = pytest.importorskip("torch_fidelity.metric_fid").fid_statistics_to_metric
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(n, 128)) * np.linspace(0.1, 2, 128), rng.gamma(2.0, size=(m, 128))
    stats = [{"mu": v.mean(0), "sigma": np.cov(v, rowvar=False)} for v in (x, y)]
    wanted = reference(*stats, False)["frechet_inception_distance"]
    assert frechet_from_features(x, y) == pytest.approx(wanted, rel=1e-6)
    assert frechet_distance(*moments(x), *moments(y)) == pytest.approx(wanted, rel=1e-6)


@pytest.mark.parametrize(("n", "m"), [(300, 400), (30, 400), (400, 30), (30, 20)])
def test_features_and_their_moments_give_the_same_distance(n: int, m: int):
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(n, 100)), 3 + 2 * rng.normal(size=(m, 100))
    assert frechet_from_features(x, y) == pytest.approx(frechet_distance(*moments(x), *moments(y)), rel=1e-7)


@pytest.mark.parametrize("rank", [1, 5, 40])
def test_equal_gaussians_of_any_rank_are_at_no_distance_and_never_below(rank: int):
    rng = np.random.default_rng(rank)
    root = rng.normal(size=(40, rank)) * 10
    sigma, mu = root @ root.T, rng.normal(size=40)
    assert 0 <= frechet_distance(mu, sigma, mu, sigma) <= 1e-6 * np.trace(sigma)
    x = rng.normal(size=(rank + 1, 40)) * 10
    assert 0 <= frechet_from_features(x, x) <= 1e-6 * np.sum(x**2)


def test_disjoint_supports_of_low_rank_add_up():
    a, b = np.diag([4.0, 9.0, 0.0, 0.0]), np.diag([0.0, 0.0, 1.0, 25.0])
    assert frechet_distance(np.zeros(4), a, np.zeros(4), b) == pytest.approx(39.0, rel=1e-9)


def test_one_image_repeated_is_a_point():
    rng = np.random.default_rng(3)
    real = rng.normal(size=(500, 30))
    point = np.repeat(rng.normal(size=(1, 30)), 100, axis=0)
    wanted = np.sum((point[0] - real.mean(0)) ** 2) + np.trace(np.cov(real, rowvar=False))
    assert frechet_from_features(point, real) == pytest.approx(wanted, rel=1e-9)
    assert frechet_from_features(real, point) == pytest.approx(wanted, rel=1e-9)
    assert frechet_from_features(point, point) == 0


@pytest.mark.parametrize("scale", [1e-6, 1e-3, 1e3, 1e6])
def test_the_unit_of_the_features_does_not_matter(scale: float):
    rng = np.random.default_rng(4)
    x, y = rng.normal(size=(80, 60)), rng.normal(size=(90, 60)) + 1
    wanted = frechet_from_features(x, y) * scale**2
    assert frechet_from_features(x * scale, y * scale) == pytest.approx(wanted, rel=1e-6)
    assert frechet_distance(*moments(x * scale), *moments(y * scale)) == pytest.approx(wanted, rel=1e-6)


def test_it_is_symmetric_and_blind_to_rotation():
    rng = np.random.default_rng(5)
    x, y = rng.normal(size=(200, 50)), rng.exponential(size=(300, 50))
    turn, _ = np.linalg.qr(rng.normal(size=(50, 50)))
    found = frechet_from_features(x, y)
    assert frechet_from_features(y, x) == pytest.approx(found, rel=1e-9)
    assert frechet_from_features(x @ turn, y @ turn) == pytest.approx(found, rel=1e-9)


def test_the_same_distribution_scores_sample_size_bias_and_less_with_more():
    rng = np.random.default_rng(6)
    scores = [frechet_from_features(rng.normal(size=(n, 64)), rng.normal(size=(n, 64))) for n in (200, 400, 2000)]
    assert scores[0] > 1.7 * scores[1] > 1.7 * 3 * scores[2] > 0


def test_float32_features_are_summed_in_float64():
    rng = np.random.default_rng(7)
    x, y = (1000 + rng.normal(size=(3000, 8)).astype(np.float32) for _ in range(2))
    wanted = frechet_from_features(x.astype(np.float64), y.astype(np.float64))
    assert frechet_from_features(x, y) == wanted
    assert wanted < 0.1


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("place", range(4))
def test_a_value_that_is_not_finite_is_an_error(bad: float, place: int):
    arguments = [np.zeros(3), np.eye(3), np.zeros(3), np.eye(3)]
    arguments[place] = arguments[place].copy()
    arguments[place].flat[0] = bad
    with pytest.raises(BenchError, match="expected finite values"):
        frechet_distance(*arguments)
    with pytest.raises(BenchError, match="expected finite values"):
        frechet_from_features(np.full((4, 2), bad), np.ones((4, 2)))


def test_mismatched_shapes_are_named_in_the_error():
    with pytest.raises(BenchError, match=r"expected sigma2 of shape \(3, 3\), got \(4, 4\)"):
        frechet_distance(np.zeros(3), np.eye(3), np.zeros(3), np.eye(4))
    with pytest.raises(BenchError, match="at least two rows"):
        frechet_from_features(np.zeros((1, 3)), np.zeros((5, 3)))
    with pytest.raises(BenchError, match=r"\(5, 3\) and \(5, 2\)"):
        frechet_from_features(np.zeros((5, 3)), np.zeros((5, 2)))


def test_the_arguments_are_left_unchanged():
    rng = np.random.default_rng(8)
    arguments = [np.zeros(30), _covariance(rng, 30, 20), np.ones(30), _covariance(rng, 30, 90)]
    before = [value.copy() for value in arguments]
    frechet_distance(*arguments)
    assert all(np.array_equal(old, new) for old, new in zip(before, arguments, strict=True))
