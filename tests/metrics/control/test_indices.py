"""Sobol indices and the scores made of them, against closed forms."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.metrics.control.codes import tangents
from bench.metrics.control.indices import Sweep, attribute_gaps, effects, scores, standard_error
from bench.metrics.control.oracle import Attribute

N, M = 256, 11
NOISE = np.sqrt(1 / 3)  # the deviation of a uniform code in [-1, 1]
Law = Callable[[np.ndarray, np.ndarray], np.ndarray]


def weights_of(grid: np.ndarray, draws: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The weights of a mean over draws of a code, and of a mean square, of readings at the values of a grid."""
    weights = tangents(grid, draws)
    return weights.mean(axis=0), weights.T @ weights / len(weights)


def linear(columns: int) -> list[Attribute]:
    return [Attribute(f"a{column}", "linear", (column,)) for column in range(columns)]


def sweeps_of(law: Law, k: int = 3, seed: int = 0) -> tuple[list[Sweep], np.ndarray]:
    """Sweeps of k uniform codes in [-1, 1], and the variances of what `law` makes of codes and normal noise."""
    rng = np.random.default_rng(seed)
    codes, noise = rng.uniform(-1, 1, (N, k)), rng.normal(size=(N, 4))
    grid = 2 * (np.arange(M) + 0.5) / M - 1
    shares, products = weights_of(grid, np.linspace(-1, 1, 10_001))
    found = []
    for code in range(k):
        readings = []
        for value in grid:
            moved = codes.copy()
            moved[:, code] = value
            readings.append(law(moved, noise))
        found.append(Sweep(f"c{code}", grid, shares, np.stack(readings, axis=1), True, products))
    draws = law(rng.uniform(-1, 1, (20_000, k)), rng.normal(size=(20_000, 4)))
    return found, draws.var(axis=0)


def acs_of(law: Law, **options: int) -> float:
    found, variances = sweeps_of(law, **options)
    return scores(effects(found, linear(len(variances)), variances)).acs


def test_attributes_that_are_the_codes_have_a_gap_of_one():
    found, variances = sweeps_of(lambda c, z: c)
    table = effects(found, linear(3), variances)
    result = scores(table)
    assert table.first == pytest.approx(np.eye(3), abs=0.03)
    assert table.total == pytest.approx(np.eye(3), abs=0.03)
    assert (result.acs, result.control, result.selectivity) == pytest.approx((1, 1, 1), abs=0.03)
    assert (result.monotonicity, result.live) == (1, 1)
    assert result.leakage == pytest.approx(0, abs=1e-9)
    assert list(attribute_gaps(table).values()) == pytest.approx([1, 1, 1], abs=0.03)


def test_as_much_noise_as_code_halves_the_gap():
    assert acs_of(lambda c, z: c + NOISE * z[:, :3]) == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize("degrees", [0, 10, 20, 30, 40, 45])
def test_two_attributes_that_are_rotated_codes_have_a_gap_of_cos_two_theta(degrees):
    turn = np.deg2rad(degrees)
    turned = lambda c, z: c @ np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])  # noqa: E731
    assert acs_of(turned, k=2) == pytest.approx(np.cos(2 * turn), abs=0.03)


def test_attributes_that_ignore_the_codes_score_zero():
    found, variances = sweeps_of(lambda c, z: z[:, :2])
    result = scores(effects(found, linear(2), variances))
    assert (result.acs, result.control, result.live) == pytest.approx((0, 0, 0), abs=1e-9)
    assert (result.selectivity, result.monotonicity, result.leakage) == (None, None, None)


def test_an_interaction_is_not_control():
    found, variances = sweeps_of(lambda c, z: (c[:, 0] * np.sign(c[:, 1]))[:, None], k=2)
    table = effects(found, linear(1), variances)
    assert table.first.max() <= 0.02
    assert table.total.max() == pytest.approx(1, abs=0.1)
    assert scores(table).acs <= -0.8


def test_the_correction_for_few_contexts_removes_the_bias_of_noise():
    """Without it S1 of a code that does nothing by itself would be about ST / N."""
    means = []
    for seed in range(5):
        found, variances = sweeps_of(lambda c, z: (np.sin(9 * c[:, 0] + 7 * z[:, 0]))[:, None], k=1, seed=seed)
        pair = effects(found, linear(1), variances)
        means.append(pair.first[0, 0])
        assert pair.total[0, 0] > 0.9
    assert np.mean(means) < 0.01


def test_a_vector_attribute_counts_the_trace_of_its_covariance():
    circle = lambda c, z: np.stack([np.cos(np.pi * c[:, 0]), np.sin(np.pi * c[:, 0])], axis=1)  # noqa: E731
    found, variances = sweeps_of(circle, k=2)
    table = effects(found, [Attribute("hue", "circular", (0, 1))], np.array([variances.sum()]))
    assert table.first[:, 0] == pytest.approx([1, 0], abs=0.03)
    assert np.isnan(table.rank).all()


def test_the_values_of_a_categorical_code_count_by_their_probabilities():
    """A code that is 1 with probability 0.2 has variance 0.16; no correction for strata."""
    readings = np.tile(np.array([0.0, 1.0])[None, :, None], (N, 1, 1))
    sweep = Sweep("kind", np.array([0.0, 1.0]), np.array([0.8, 0.2]), readings, ordered=False)
    table = effects([sweep], linear(1), np.array([0.16]))
    assert table.first[0, 0] == pytest.approx(1)
    assert table.total[0, 0] == pytest.approx(1)


@pytest.mark.parametrize(
    "response",
    [lambda c: c, lambda c: np.clip(c, -1, 1), np.tanh, lambda c: np.maximum(c, 0), np.sign],
    ids=["linear", "clipped", "tanh", "rectified", "step"],
)
def test_an_attribute_that_one_normal_code_decides_has_a_share_of_one_whatever_the_response(response):
    """Mid-points of strata vary less than the code, and by how much a reading does depends on the response."""
    draws = np.random.default_rng(0).normal(size=10_000)
    grid = np.quantile(draws, (np.arange(M) + 0.5) / M)
    shares, products = weights_of(grid, draws)
    sweep = Sweep("c", grid, shares, np.tile(response(grid)[None, :, None], (N, 1, 1)), True, products)
    variances = np.array([response(draws).var()])
    table = effects([sweep], linear(1), variances, most=np.inf)
    assert table.first[0, 0] == pytest.approx(1, abs=0.04)
    assert table.total[0, 0] == pytest.approx(1, abs=0.04)


def test_no_share_exceeds_one_although_the_variance_is_an_estimate():
    found, variances = sweeps_of(lambda c, z: c)
    table = effects(found, linear(3), 0.9 * variances)
    assert table.first.diagonal().tolist() == [1, 1, 1]
    assert table.total.diagonal().tolist() == [1, 1, 1]
    assert -1 <= scores(table).acs <= 1
    assert effects(found, linear(3), 0.9 * variances, most=np.inf).total.max() > 1.05


def test_monotonicity_is_the_rank_correlation_without_its_sign():
    found, variances = sweeps_of(lambda c, z: np.stack([-(c[:, 0] ** 3), c[:, 1] ** 2], axis=1), k=2)
    table = effects(found, linear(2), variances)
    assert table.rank[0, 0] == -1
    assert abs(table.rank[1, 1]) < 0.3


def test_the_standard_error_is_the_deviation_over_new_contexts():
    law = lambda c, z: (c * (1 + z[:, :1]))[:, :1] + 0.3 * c[:, 1:2]  # noqa: E731
    values, errors = [], []
    for seed in range(30):
        found, _ = sweeps_of(law, k=2, seed=seed)
        table = effects(found, linear(1), np.array([1.0]))
        values.append(scores(table).acs)
        errors.append(standard_error(found, linear(1), np.array([1.0]), np.random.default_rng(seed)))
    assert np.mean(errors) == pytest.approx(np.std(values, ddof=1), rel=0.4)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), scale=st.floats(0.1, 10), shift=st.floats(-5, 5))
def test_scores_depend_on_neither_the_order_nor_the_sign_nor_the_unit(seed, scale, shift):
    rng = np.random.default_rng(seed)
    mix = rng.normal(size=(3, 2))
    found, variances = sweeps_of(lambda c, z: c @ mix + 0.2 * z[:, :2], seed=seed)
    plain = scores(effects(found, linear(2), variances))
    order = rng.permutation(3)
    turned = [
        Sweep(
            s.name,
            -s.values[::-1],
            s.shares[::-1],
            scale * s.readings[:, ::-1, ::-1] + shift,
            True,
            s.products[::-1, ::-1],
        )
        for s in (found[i] for i in order)
    ]
    again = scores(effects(turned, linear(2), scale**2 * variances[::-1]))
    assert vars(again) == pytest.approx(vars(plain), abs=1e-9)


def test_one_code_and_one_attribute_are_enough():
    found, variances = sweeps_of(lambda c, z: c, k=1)
    assert scores(effects(found, linear(1), variances)).acs == pytest.approx(1, abs=0.03)


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_code_that_acts_through_interactions_alone_is_no_rival_of_itself(place):
    """The sign is drawn in each context, so that S1 of every code is 0: the place of the code must not matter."""

    def law(codes: np.ndarray, noise: np.ndarray) -> np.ndarray:
        return (codes[:, place] * np.sign(noise[:, 0]))[:, None]

    for seed in range(4):
        found, variances = sweeps_of(law, seed=seed)
        assert scores(effects(found, linear(1), variances)).acs == pytest.approx(0, abs=0.03)
