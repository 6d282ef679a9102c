"""How much images change along a code: shares of the change between independent draws."""

import lamp_generators as toys
import numpy as np
import pytest
import torch
from lamp_generators import Lamps, pad

from bench.api import Code
from bench.metrics.control.appearance import change, perceptual_changes, pixel_changes, variance
from bench.metrics.control.codes import Grid, grids


def test_two_values_have_the_variance_of_their_shares():
    grid = Grid(Code("which", "categorical", (0,)), torch.tensor([[0.0], [1.0]]), np.array([0.8, 0.2]), ordered=False)
    tables = torch.tensor([0.0, 3.0]).view(1, 2, 1).expand(5, -1, 7)  # 5 contexts, 7 columns
    assert change(tables, grid, among=7 * 9.0) == pytest.approx(0.8 * 0.2)


@pytest.mark.parametrize("draw", [torch.rand, torch.randn])
def test_a_linear_response_has_the_variance_of_the_code(draw):
    """As for S1 and ST: the mid-points of strata alone have a smaller one, by 10 % for a normal code."""
    draws = draw((4000, 1), generator=torch.Generator().manual_seed(0))
    [grid] = grids([Code("level", "continuous", (0,))], draws, 11)
    tables = grid.rows.view(1, 11, 1).expand(3, -1, 4)
    assert change(tables, grid, among=8 * float(draws.var())) == pytest.approx(0.5, abs=0.01)


def test_equal_images_have_exactly_no_change():
    draws = torch.rand((100, 1))
    [grid] = grids([Code("level", "continuous", (0,))], draws, 11)
    image = torch.randint(0, 256, (2, 1, 3, 8, 8), dtype=torch.uint8)
    assert change(image.expand(-1, 11, -1, -1, -1), grid, among=5.0) == 0


def test_images_that_never_change_have_no_change():
    draws = torch.rand((100, 1))
    [grid] = grids([Code("level", "continuous", (0,))], draws, 11)
    assert change(torch.zeros(2, 11, 4), grid, among=0.0) == 0


def test_the_variance_of_images_is_that_of_their_columns_summed():
    images = torch.randint(0, 256, (50, 3, 200, 200), dtype=torch.uint8)  # more columns than are converted together
    assert variance(images) == pytest.approx(float(images.double().var(dim=0).sum()))


def test_independent_lamps_share_the_change_of_pixels(evaluate):
    assert pixel_changes(evaluate(Lamps(toys.identity))) == pytest.approx([1 / 3] * 3, abs=0.04)


def test_a_single_code_makes_all_of_the_change(evaluate):
    context = evaluate(Lamps(lambda codes, rng: pad(codes), codes=1))
    assert pixel_changes(context) == pytest.approx([1.0], abs=0.1)
    assert perceptual_changes(context) == pytest.approx([1.0], abs=0.1)


def test_a_dead_code_changes_nothing_and_a_watermark_changes_what_is_seen(evaluate):
    context = evaluate(Lamps(toys.watermark))
    watermark, *dead = pixel_changes(context)
    assert watermark > 0.2
    assert dead == [0, 0]
    watermark, *dead = perceptual_changes(context)
    assert watermark > 0.2
    assert dead == pytest.approx([0, 0], abs=1e-9)
