"""Items 3 to 8 on real digits, one seed; `measure.py` prints the figures of three."""

import math
from copy import deepcopy
from dataclasses import replace

import pytest
import torch
from dr_vae_figures import agreement, kl, nll, relative_errors, settle, variance_ratios
from dr_vae_toys import TOY, ConvGuide, with_term

from bench import Data, Images
from bench.testing.fixtures import Judge
from bench_dr_vae import DrVae
from bench_dr_vae.term import Term


def test_sigma_is_the_root_mean_squared_residual_once_it_has_caught_up(both: tuple[DrVae, Term], train: Data) -> None:
    """Item 3: within 10 % for 95 % of all elements above the floor. A schedule ends before sigma has caught up."""
    model, term = deepcopy(both[0]), deepcopy(both[1])
    settle(model, term, train)
    ratios = torch.cat(variance_ratios(model, term, train, draws=4))
    assert len(ratios) > 2_000
    assert ((ratios - 1).abs() < 0.1).float().mean() >= 0.95


def test_every_regularized_layer_is_a_quarter_nearer_to_the_image(
    plain: DrVae, model: DrVae, guide: ConvGuide, images: Images
) -> None:
    """Item 4."""
    without, with_it = (relative_errors(it, guide, images) for it in (plain, model))
    assert all(b < 0.75 * a for a, b in zip(without, with_it, strict=True))


def test_reconstructions_keep_the_class_at_least_as_often(
    plain: DrVae, model: DrVae, guide: ConvGuide, judge: Judge, images: Images
) -> None:
    """Item 5, one seed: no fall."""
    for teller in (guide, judge):
        assert agreement(model, teller, images) >= agreement(plain, teller, images)


def test_pixel_likelihood_is_no_better_and_more_nats_go_through_the_code(
    plain: DrVae, model: DrVae, images: Images
) -> None:
    """Item 6."""
    assert nll(model, images[:200], 20) > nll(plain, images[:200], 20)
    assert kl(model, images) > 1.5 * kl(plain, images)


def test_without_a_floor_sigma_runs_away(both: tuple[DrVae, Term], train: Data, guide: ConvGuide) -> None:
    """Item 7: digits have pixels that are always black."""
    model, term = both
    assert model.vae.log_sigma().min().item() == -2.5
    above = [it().min().item() - it.floor for it in term.log_sigmas]  # their floors are relative to the layers
    assert min(above) == pytest.approx(0, abs=1e-6)
    assert all(it >= -1e-6 for it in above)
    model, _ = with_term(replace(TOY, sigma_floor=-math.inf), train, guide, 12_000)
    assert model.vae.log_sigma().min().item() < -4
