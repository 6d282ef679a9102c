"""Exact information of discrete channels: an identity, inequalities on random channels, and extremes."""

import math
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch import Tensor

from bench.errors import BenchError
from bench.parts.channel_information import ChannelInformation, channel_information

CHANNELS = 600
ROUNDING = 1e-10
UNIFORM = torch.tensor([0.5, 0.5], dtype=torch.float64)
Tables = tuple[list[Tensor], Tensor, list[Tensor]]


def random_channels(rng: np.random.Generator) -> Iterator[Tables]:
    """One to three codes of two to four values, up to eight images, from nearly deterministic to nearly uniform."""
    for _ in range(CHANNELS):
        counts, m = rng.integers(2, 5, size=rng.integers(1, 4)), int(rng.integers(1, 9))

        def draw(k: int, *shape: int) -> Tensor:
            return torch.tensor(rng.dirichlet(np.full(k, rng.choice([0.1, 1.0, 10.0])), size=shape))

        yield [draw(k) for k in counts], draw(m, *counts), [draw(k, m) for k in counts]


def exact_posterior(prior: list[Tensor], channel: Tensor) -> list[Tensor]:
    """p(c_i | x) for each code, (m, k_i), by sums over the whole joint table."""
    joint = torch.einsum(
        "...,...m->...m", torch.cartesian_prod(*prior).reshape(*channel.shape[:-1], -1).prod(-1), channel
    )
    places = range(len(prior))
    each = [joint.sum([other for other in places if other != code]) if len(prior) > 1 else joint for code in places]
    return [(table / table.sum(0)).T for table in each]


@pytest.fixture(scope="module")
def measured() -> list[ChannelInformation]:
    return [channel_information(*tables) for tables in random_channels(np.random.default_rng(0))]


def test_information_is_that_of_each_code_and_the_conditional_total_correlation(measured):
    for it in measured:  # (a)
        assert it.information == pytest.approx(sum(it.of_each) + it.conditional_total_correlation, abs=ROUNDING)


def test_the_bound_is_below_the_information_of_each_code_and_that_below_the_whole(measured):
    for it in measured:  # (b)
        assert it.bound <= sum(it.of_each) + ROUNDING
        assert sum(it.of_each) <= it.information + ROUNDING


def test_the_distance_to_the_ceiling_bounds_the_conditional_total_correlation(measured):
    for it in measured:  # (c)
        assert -ROUNDING <= it.conditional_total_correlation <= it.remaining + ROUNDING
        assert it.remaining <= it.entropy - it.bound + ROUNDING


def test_the_distance_of_inferred_codes_from_the_prior_is_bounded(measured):
    for it in measured:  # (d)
        assert it.posterior_error == pytest.approx(it.information - it.bound, abs=ROUNDING)
        assert -ROUNDING <= it.prior_error <= it.posterior_error + ROUNDING
        assert it.total_variation <= math.sqrt((it.information - it.bound) / 2) + ROUNDING  # Pinsker


def test_the_inequalities_are_strict_for_most_channels_and_nearly_tight_for_some(measured):
    """So that the tests above say something: none holds with room to spare everywhere."""
    several = [it for it in measured if len(it.of_each) > 1]
    gaps = {
        "b": [sum(it.of_each) - it.bound for it in measured],
        "c": [it.remaining - it.conditional_total_correlation for it in several],
        "d": [it.posterior_error - it.prior_error for it in measured],
    }
    for name, found in gaps.items():
        assert np.median(found) > 0.01, name
        assert min(found) < 0.05, name


def test_the_exact_posterior_of_each_code_has_the_greatest_bound() -> None:
    for prior, channel, q in random_channels(np.random.default_rng(1)):
        best = channel_information(prior, channel, exact_posterior(prior, channel))
        assert best.bound == pytest.approx(sum(best.of_each), abs=ROUNDING)
        assert best.bound >= channel_information(prior, channel, q).bound - ROUNDING


def two_codes(rows: list[list[list[float]]]) -> Tensor:
    return torch.tensor(rows, dtype=torch.float64)


READABLE = two_codes([[[1, 0, 0, 0], [0, 1, 0, 0]], [[0, 0, 1, 0], [0, 0, 0, 1]]])  # one image for each pair of codes
READ = [two_codes([[[1, 0], [1, 0], [0, 1], [0, 1]]])[0], two_codes([[[1, 0], [0, 1], [1, 0], [0, 1]]])[0]]
READ_SMOOTH = [0.999 * table + 0.0005 for table in READ]  # rules nothing out


def test_codes_that_can_be_read_perfectly_reach_the_ceiling_and_are_inferred_independently() -> None:
    prior = [UNIFORM, torch.tensor([0.2, 0.8], dtype=torch.float64)]
    found = channel_information(prior, READABLE, READ)
    ceiling = math.log(2) - 0.2 * math.log(0.2) - 0.8 * math.log(0.8)
    assert found.bound == pytest.approx(ceiling)
    assert found.entropy == pytest.approx(ceiling)
    assert found.information == pytest.approx(ceiling)
    assert found.conditional_total_correlation == pytest.approx(0, abs=ROUNDING)
    assert found.prior_error == pytest.approx(0, abs=ROUNDING)
    assert found.total_variation == pytest.approx(0, abs=ROUNDING)
    assert found.inferred_total_correlation == pytest.approx(0, abs=ROUNDING)


def test_codes_of_noise_have_no_total_correlation_and_no_information_either() -> None:
    """The converse fails: independence does not imply control."""
    found = channel_information([UNIFORM, UNIFORM], torch.full((2, 2, 4), 0.25), [UNIFORM.repeat(4, 1)] * 2)
    assert found.conditional_total_correlation == pytest.approx(0, abs=ROUNDING)
    assert found.inferred_total_correlation == pytest.approx(0, abs=ROUNDING)
    assert found.total_variation == pytest.approx(0, abs=ROUNDING)
    assert found.information == pytest.approx(0, abs=ROUNDING)
    assert found.bound == pytest.approx(0, abs=ROUNDING)
    assert found.entropy == pytest.approx(2 * math.log(2))


def test_an_image_of_whether_two_codes_are_equal_tells_of_both_but_of_neither() -> None:
    equal = two_codes([[[1, 0], [0, 1]], [[0, 1], [1, 0]]])
    found = channel_information([UNIFORM, UNIFORM], equal, [UNIFORM.repeat(2, 1)] * 2)
    assert found.of_each == pytest.approx((0, 0), abs=ROUNDING)
    assert found.information == pytest.approx(math.log(2))
    assert found.conditional_total_correlation == pytest.approx(math.log(2))
    assert found.bound == pytest.approx(0, abs=ROUNDING)


@pytest.mark.parametrize("flip", [0.0, 0.1, 0.5])
def test_a_symmetric_channel_has_log_2_less_its_entropy(flip: float) -> None:
    channel = torch.tensor([[1 - flip, flip], [flip, 1 - flip]], dtype=torch.float64)
    found = channel_information([UNIFORM], channel, [channel])
    noise = -sum(p * math.log(p) for p in (flip, 1 - flip) if p)
    assert found.information == pytest.approx(math.log(2) - noise)
    assert found.bound == pytest.approx(math.log(2) - noise)
    assert found.remaining == pytest.approx(noise)


def test_inferred_codes_become_independent_as_the_bound_nears_its_ceiling() -> None:
    """The image shows the second code or, with probability eps, the first one in its place."""
    found = []
    for eps in (0.9, 0.5, 0.1, 0.01, 0.001):
        copy = READABLE[:, [0, 1]] * (1 - eps) + torch.stack([READABLE[0, 0], READABLE[1, 1]])[:, None] * eps
        found.append(channel_information([UNIFORM, UNIFORM], copy, READ_SMOOTH))
    bounds, correlations = [it.bound for it in found], [it.inferred_total_correlation for it in found]
    assert bounds == sorted(bounds)
    assert correlations == sorted(correlations, reverse=True)
    assert correlations[0] > 0.1
    assert correlations[-1] < 1e-4


def test_a_posterior_that_rules_out_what_occurs_has_no_finite_bound() -> None:
    found = channel_information([UNIFORM], torch.full((2, 1), 1.0), [torch.tensor([[1.0, 0.0]])])
    assert found.bound == -math.inf
    assert found.posterior_error == math.inf
    assert found.total_variation == pytest.approx(0.5)


def test_images_that_never_occur_change_nothing() -> None:
    wider = torch.cat([READABLE, torch.zeros(2, 2, 1)], dim=-1)
    read = [torch.cat([table, UNIFORM[None]]) for table in READ]
    prior = [UNIFORM, UNIFORM]
    assert channel_information(prior, wider, read) == channel_information(prior, READABLE, READ)


def test_tables_of_other_shapes_and_rows_that_are_not_probabilities_are_errors() -> None:
    channel = torch.eye(2)
    with pytest.raises(BenchError, match="expected a prior and a posterior of each code, got 2 and 1"):
        channel_information([UNIFORM, UNIFORM], channel, [channel])
    with pytest.raises(BenchError, match=r"channel: expected shape \(2, 2, 2\), got \(2, 2\)"):
        channel_information([UNIFORM, UNIFORM], channel, [channel, channel])
    with pytest.raises(BenchError, match=r"posterior: expected shape \(2, 2\), got \(3, 2\)"):
        channel_information([UNIFORM], channel, [torch.ones(3, 2) / 2])
    with pytest.raises(BenchError, match=r"prior: .* sums that differ from 1 by up to 0\.1"):
        channel_information([UNIFORM + torch.tensor([0.0, 0.1])], channel, [channel])
    with pytest.raises(BenchError, match="channel: expected probabilities that sum to 1, got -1 as the smallest"):
        channel_information([UNIFORM], torch.tensor([[2.0, -1.0], [0.0, 1.0]]), [channel])
