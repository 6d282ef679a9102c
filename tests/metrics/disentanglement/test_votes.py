"""FactorVAE and BetaVAE scores of pools for which they are known."""

import math

import numpy as np
import pytest

from bench.errors import BenchError
from bench.metrics.disentanglement.votes import beta_vae_score, factor_vae_score

VALUES, IMAGES = 6, 256


def make_pool(change=lambda factors, rng: factors, factors: int = 3, images: int = IMAGES):
    """Codes for uniform independent factors of six values, and their variances; by default codes are factors."""
    rng = np.random.default_rng(0)
    pool = []
    for factor in range(factors):
        drawn = rng.integers(VALUES, size=(VALUES, images, factors)).astype(float)
        drawn[:, :, factor] = np.arange(VALUES)[:, None]
        pool.append(change(drawn, rng))
    free = change(rng.integers(VALUES, size=(1, 10_000, factors)).astype(float), rng)[0]
    return pool, free.var(axis=0)


def noise(factors: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return rng.normal(size=(*factors.shape[:2], 5))


def test_the_identity_has_1():
    pool, variances = make_pool()
    assert factor_vae_score(pool, variances).value == 1
    assert beta_vae_score(pool).value == 1


def test_noise_has_one_over_the_number_of_factors():
    for factors in (2, 3, 5):
        pool, variances = make_pool(noise, factors, images=1_000)
        assert factor_vae_score(pool, variances).value == pytest.approx(1 / factors, abs=0.1)
        assert beta_vae_score(pool).value == pytest.approx(1 / factors, abs=0.1)


def test_two_factors_that_share_all_codes_are_told_apart_by_chance_only():
    """The codes hold factor 0, and factors 1 and 2 not at all: right for the first, half right for the others."""
    pool, variances = make_pool(lambda f, rng: np.concatenate([f[:, :, :1], noise(f, rng)], axis=2), images=1_000)
    assert factor_vae_score(pool, variances).value == pytest.approx(2 / 3, abs=0.1)
    assert beta_vae_score(pool).value == pytest.approx(2 / 3, abs=0.1)


def test_a_factor_in_two_codes_does_not_matter():
    pool, variances = make_pool(lambda f, rng: np.concatenate([f, f], axis=2))
    assert factor_vae_score(pool, variances).value == 1


@pytest.mark.parametrize("change", [lambda x: -x, lambda x: 1e-6 * x + 4, lambda x: x[..., ::-1]])
def test_sign_unit_and_order_of_codes_do_not_matter(change):
    def blurred(factors: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        return factors + 3 * rng.normal(size=factors.shape)

    pool, variances = make_pool(blurred)
    changed, variances_of_changed = make_pool(lambda f, rng: change(blurred(f, rng)))
    expected = factor_vae_score(pool, variances).value
    assert 0.4 < expected < 0.99
    assert factor_vae_score(changed, variances_of_changed).value == pytest.approx(expected, abs=1e-3)
    assert beta_vae_score(changed).value == pytest.approx(beta_vae_score(pool).value, abs=2e-3)


def test_codes_that_are_almost_dead_are_not_considered():
    """A dead code that follows a factor faintly would win every vote on it."""
    pool, variances = make_pool(lambda f, rng: np.concatenate([noise(f, rng), 0.01 * f], axis=2))
    found = factor_vae_score(pool, variances)
    assert found.active == 5
    assert found.value < 0.6
    assert factor_vae_score(*make_pool(lambda f, rng: np.concatenate([noise(f, rng), 0.1 * f], axis=2))).value == 1


def test_codes_without_variance_score_0_and_chance():
    pool, _ = make_pool()
    constant = [np.full_like(codes, 0.3) for codes in pool]
    found = factor_vae_score(constant, np.zeros(3))
    assert (found.value, found.active) == (0, 0)
    assert beta_vae_score(constant).value == pytest.approx(1 / 3, abs=0.03)


def test_one_code_tells_of_one_factor():
    pool, variances = make_pool(lambda f, rng: f[:, :, :1])
    assert factor_vae_score(pool, variances).value == pytest.approx(1 / 3, abs=0.03)
    assert beta_vae_score(pool).value == pytest.approx(2 / 3, abs=0.1)  # no difference within a pair: the first factor


def test_500_codes_are_measured():
    pool, variances = make_pool(lambda f, rng: rng.normal(size=(*f.shape[:2], 500)) + f[:, :, :1])
    for found in (factor_vae_score(pool, variances, train=500, evaluate=200), beta_vae_score(pool, 0, 500, 200)):
        assert 1 / 3 < found.value <= 1
        assert found.active == 500


def test_a_factor_of_one_value_is_left_out_and_named():
    pool, variances = make_pool()
    pool[1] = pool[1][:1]
    assert factor_vae_score(pool, variances).left_out == (1,)
    assert beta_vae_score(pool).left_out == (1,)


def test_one_seed_gives_one_result():
    pool, variances = make_pool(lambda f, rng: f + 4 * rng.normal(size=f.shape))
    assert factor_vae_score(pool, variances, 3) == factor_vae_score(pool, variances, np.random.default_rng(3))
    assert factor_vae_score(pool, variances, 3) != factor_vae_score(pool, variances, 4)
    assert beta_vae_score(pool, 3) == beta_vae_score(pool, 3)


def test_pools_that_cannot_be_measured_are_errors():
    pool, variances = make_pool()
    broken = pool[2].copy()
    broken[0, 0, 0] = math.nan
    for measure in (lambda pool: factor_vae_score(pool, variances), beta_vae_score):
        with pytest.raises(BenchError, match="expected at least 2 factors of several values, got 1 of 3"):
            measure([pool[0], pool[1][:1], pool[2][:1]])
        with pytest.raises(BenchError, match="expected at least 2 factors of several values, got 0 of 0"):
            measure([])
        with pytest.raises(BenchError, match="factor 1: expected 3 codes as for factor 0, got 2"):
            measure([pool[0], pool[1][..., :2]])
        with pytest.raises(
            BenchError, match=r"factor 0: expected codes of shape \(values, images, codes\), got \(6, 256\)"
        ):
            measure([pool[0][..., 0], pool[1]])
        with pytest.raises(BenchError, match="factor 2: codes: expected finite values, got 1 of"):
            measure([pool[0], pool[1], broken])
    with pytest.raises(BenchError, match="factor 0: expected at least 128 images for each value, got 127"):
        factor_vae_score([codes[:, :127] for codes in pool], variances)
    with pytest.raises(BenchError, match="factor 0: expected at least 4 images for each value, got 3"):
        beta_vae_score([codes[:, :3] for codes in pool])


def test_variances_and_votes_that_make_no_sense_are_errors():
    pool, variances = make_pool()
    with pytest.raises(BenchError, match=r"expected a variance for each of 3 codes, got shape \(2,\)"):
        factor_vae_score(pool, variances[:2])
    with pytest.raises(BenchError, match="expected variances of at least 0, got -1"):
        factor_vae_score(pool, np.array([1.0, -1.0, 1.0]))
    with pytest.raises(BenchError, match="variances: expected finite values, got 1 of 3"):
        factor_vae_score(pool, np.array([1.0, math.nan, 1.0]))
    with pytest.raises(BenchError, match="expected at least 1 vote to learn from and 1 to evaluate, got 0 and 5"):
        factor_vae_score(pool, variances, train=0, evaluate=5)
    with pytest.raises(BenchError, match="expected votes on at least 2 factors to learn from, got 1 from 1 votes"):
        beta_vae_score(pool, train=1)
