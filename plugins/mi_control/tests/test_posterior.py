"""Q(c|x) and the bound: log densities, what is read off images, calibrated nats, dead codes."""

import logging
import math
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.distributions import Independent, Normal

from bench.parts.adversarial import Given
from bench.parts.scale_codes import draw_codes, parse_codes
from bench.testing.fixtures import DIGITS
from bench_mi_control import MiControl, MiControlConfig
from bench_mi_control.information import Bounds, MutualInformation, ceiling
from bench_mi_control.posterior import CLAMP, Posterior

CODES = parse_codes("4: 2, 8: circle + 3-way")
NO_IMAGES = torch.zeros(0, 1, 8, 8)


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def posterior(**settings: Any) -> Posterior:
    torch.manual_seed(0)
    return Posterior(CODES, MiControlConfig(**settings), 6)


def log_density(codes: Tensor, means: Tensor, log_std: Tensor) -> dict[str, Tensor]:
    return posterior().log_density(codes, means, log_std)


def test_the_density_of_a_continuous_or_a_circular_code_is_gaussian() -> None:
    codes, means = draw_codes(CODES, 9, rng()), torch.randn(9, 7)
    log_std = torch.randn(9, 7) / 3
    found = log_density(codes, means, log_std)
    for name, columns in {"4a": [0], "4b": [1], "8a": [2, 3]}.items():
        gaussian = Independent(Normal(means[:, columns], log_std[:, columns].exp()), 1)
        torch.testing.assert_close(found[name], gaussian.log_prob(codes[:, columns]))


def test_the_density_of_a_categorical_code_is_its_probability() -> None:
    codes, means = draw_codes(CODES, 9, rng()), torch.randn(9, 7)
    chosen = means[:, 4:].softmax(1)[torch.arange(9), codes[:, 4:].argmax(1)]
    torch.testing.assert_close(log_density(codes, means, means)["8b"], chosen.log())


def test_the_standard_deviation_is_fixed_or_learned_within_bounds() -> None:
    features = 1_000 * torch.randn(9, 6)
    _, log_std = posterior()(features)
    torch.testing.assert_close(log_std[:, :2], torch.full((9, 2), math.log(0.7)))
    _, log_std = posterior(posterior_std="learned")(features)
    assert log_std.min() == -CLAMP
    assert log_std.max() == CLAMP


def test_with_a_fixed_deviation_a_circle_is_worth_as_much_as_a_continuous_code() -> None:
    """What reading a code exactly adds to the bound, over reading nothing."""
    codes = draw_codes(CODES, 50_000, rng())
    q = posterior()
    _, log_std = q(torch.randn(50_000, 6))
    exact, nothing = (q.log_density(codes, means, log_std) for means in (codes, torch.zeros_like(codes)))
    gained = {name: float((exact[name] - nothing[name]).mean()) for name in ("4a", "4b", "8a")}
    assert gained == pytest.approx(dict.fromkeys(gained, 1 / 3 / 2 / 0.7**2), rel=0.02)


def test_what_is_read_lies_where_codes_lie() -> None:
    read = posterior().read(5 * torch.randn(50, 7))
    assert read[:, :2].abs().max() == 1
    torch.testing.assert_close(read[:, 2:4].square().sum(1), torch.ones(50))
    torch.testing.assert_close(read[:, 4:].sum(1), torch.ones(50))


def bounds_after(means_of: Any, batches: int = 600) -> Bounds:
    found = Bounds(CODES)
    for seed in range(batches):
        codes = draw_codes(CODES, 64, rng(seed))
        found.update(codes, means_of(codes))
    return found


def test_bounds_start_at_chance_and_stay_there_if_nothing_is_read() -> None:
    start = Bounds(CODES).of_codes()
    assert start == pytest.approx({"4a": -0.18, "4b": -0.18, "8a": 0, "8b": 0}, abs=0.01)
    assert bounds_after(torch.zeros_like).of_codes() == pytest.approx(start, abs=0.05)


def test_an_error_of_a_tenth_of_the_range_is_worth_about_one_and_a_half_nats() -> None:
    """mse 0.04 / 3 = 0.0133: log 2 - 1/2 log(2 pi e 0.0133) = 1.43."""
    found = bounds_after(lambda codes: codes + 0.2 * (2 * torch.rand(codes.shape, generator=rng(9)) - 1)).of_codes()
    assert found["4a"] == pytest.approx(1.43, abs=0.1)
    assert found["8a"] > 1


def test_the_ceiling_of_a_categorical_code_is_its_entropy_and_reached_if_it_is_read_exactly() -> None:
    assert [ceiling(code) for code in CODES] == [None, None, None, math.log(3)]
    assert bounds_after(lambda codes: 50 * codes).of_codes()["8b"] == pytest.approx(math.log(3), abs=0.01)


def information(weight: float = 1.0, steps: int = 1_000) -> MutualInformation:
    model = MiControl(MiControlConfig(codes="4: 2, 8: circle + 3-way", width=4), DIGITS)
    return MutualInformation(model, posterior(), Bounds(CODES), weight=weight, steps=steps)


def test_both_players_have_the_same_weighted_loss() -> None:
    codes, features = draw_codes(CODES, 9, rng()), torch.randn(9, 6)
    it = information(0.25)
    log_q = it.posterior.log_density(codes, *it.posterior(features))
    loss = -0.25 * sum(value.mean() for value in log_q.values())
    torch.testing.assert_close(it.loss(Given(codes), NO_IMAGES, features)[0], loss)
    torch.testing.assert_close(it.loss_of_discriminator(Given(codes), features)[0], loss)


def test_the_bound_of_each_code_is_logged_by_its_name() -> None:
    _, shown = information().loss(Given(draw_codes(CODES, 9, rng())), NO_IMAGES, torch.randn(9, 6))
    assert {"nats", "live", "nats_4a", "nats_4b", "nats_8a", "nats_8b"} == shown.keys()


def test_dead_codes_are_named_from_thirty_percent_on(caplog: pytest.LogCaptureFixture) -> None:
    it = information()
    it.bounds.errors[0] = 0.01
    with caplog.at_level(logging.WARNING):
        for step in range(1_001):
            it.progress(step / 1_000)
    assert [record.getMessage() for record in caplog.records] == [
        f"dead codes after {percent}% of the training (below 0.05 nats): 4b, 8a, 8b"
        for percent in (30, 48, 65, 82, 100)
    ]


def test_a_training_too_short_to_tell_names_no_code(caplog: pytest.LogCaptureFixture) -> None:
    it = information(steps=100)
    it.progress(0.5)
    it.progress(1.0)
    assert not caplog.records
