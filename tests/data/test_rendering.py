"""Data sets that draw the image of any values of their factors."""

import dataclasses
import math
from typing import Any

import pytest
import torch
from scipy.stats import chisquare

from bench.api import Factor, Rendering
from bench.data import bench_datasets, dsprites, face_drawing, faces, sprites
from bench.data.factors import checked_rows, random_rows
from bench.data.source import Source
from bench.errors import BenchError

needs_faces = pytest.mark.skipif(not face_drawing.installed(), reason="the extra `faces` is not installed")
NAMES = ["sprites", "sprites:simple", "dsprites-like", pytest.param("faces", marks=needs_faces)]
FACTORS = {
    "sprites": sprites.FACTORS,
    "sprites:simple": sprites.SIMPLE_FACTORS,
    "dsprites-like": dsprites.FACTORS,
    "faces": faces.FACTORS,
}
STEPS = 4  # of a continuous factor


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sprites.Sprites, "counts", {"train": 60, "validation": 40, "test": 300})
    monkeypatch.setattr(dsprites.DSpritesLike, "counts", (300, 40, 60))
    monkeypatch.setattr(faces.Faces, "counts", {64: 240, 1024: 4})


def source_of(name: str) -> Any:
    base, _, argument = name.partition(":")
    source = bench_datasets()[base](argument)
    assert isinstance(source, Source)
    assert isinstance(source, Rendering)
    return source


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def cells(factor: Factor, column: torch.Tensor) -> torch.Tensor:
    """Values as whole numbers from 0: the values of a factor with a count, or quarters of a range."""
    share = (column.double() - factor.low) / (factor.high - factor.low)
    if factor.count is None:
        return (share * STEPS).floor().clamp(0, STEPS - 1).long()
    return (share * (factor.count - 1)).round().long()


@pytest.mark.parametrize("name", FACTORS)
def test_drawn_factors_are_uniform(name: str):
    """A chi-square test of each factor, with a fixed seed and a threshold of 0.001 over the number of factors."""
    rows = random_rows(FACTORS[name], 20_000, rng())
    for factor, column in zip(FACTORS[name], rows.T, strict=True):
        counts = torch.bincount(cells(factor, column), minlength=factor.count or STEPS)
        assert chisquare(counts.numpy()).pvalue > 1e-3 / len(FACTORS[name]), factor.name


@pytest.mark.parametrize("name", FACTORS)
def test_drawn_factors_are_independent_in_pairs(name: str):
    rows = random_rows(FACTORS[name], 50_000, rng(1))
    columns = [cells(factor, column) for factor, column in zip(FACTORS[name], rows.T, strict=True)]
    widths = [factor.count or STEPS for factor in FACTORS[name]]
    for i in range(len(columns)):
        for j in range(i):
            counts = torch.bincount(columns[i] * widths[j] + columns[j], minlength=widths[i] * widths[j])
            assert chisquare(counts.numpy()).pvalue > 1e-5, (FACTORS[name][i].name, FACTORS[name][j].name)


@pytest.mark.parametrize("name", NAMES)
def test_stored_factors_draw_the_stored_images(name: str):
    """Exactly, but for `sprites`: one level of one pixel in 10^5, because its images were drawn from float64."""
    source = source_of(name)
    for split in (source.load().test, source.load().train):
        apart = (source.render(split.factors, split.spec.size).int() - split.images.int()).abs()
        assert apart.max() <= (1 if name == "sprites" else 0)
        assert (apart > 0).float().mean() < 1e-5


@pytest.mark.parametrize("name", NAMES)
def test_every_factor_changes_the_image_and_equal_factors_do_not(name: str):
    source, factors = source_of(name), FACTORS[name]
    size = 64
    rows = source.draw_factors(20, rng(2))
    before = source.render(rows, size)
    assert torch.equal(source.render(rows.clone(), size), before)
    for k, factor in enumerate(factors):
        moved = rows.clone()
        if factor.kind == "categorical":
            moved[:, k] = (rows[:, k] + 1) % factor.count
        elif factor.kind == "linear":
            middle = (factor.low + factor.high) / 2
            moved[:, k] = torch.where(rows[:, k] < middle, factor.high, factor.low)
        else:
            moved[:, k] = rows[:, k] + 0.4 * (factor.high - factor.low)
        changed = (source.render(moved, size) != before).flatten(1).any(1)
        assert changed.all(), factor.name


@pytest.mark.parametrize("name", NAMES)
def test_circular_factors_go_on_beyond_one_turn(name: str):
    source = source_of(name)
    rows = source.draw_factors(10, rng(3))
    before = source.render(rows, 64).int()
    for k, factor in enumerate(FACTORS[name]):
        if factor.kind == "circular":
            turned = rows.clone()
            turned[:, k] += factor.high - factor.low
            apart = (source.render(turned, 64).int() - before).abs() > 1
            assert apart.float().mean() < 1e-3, factor.name  # a pixel of a binary image may flip by rounding


@pytest.mark.parametrize("name", NAMES)
def test_small_steps_between_grid_values_give_small_changes(name: str):
    source, names = source_of(name), [factor.name for factor in FACTORS[name]]
    column = names.index("x")
    row = source.draw_factors(1, rng(4))
    low, high = FACTORS[name][column].low, FACTORS[name][column].high
    rows = row.repeat(65, 1)
    rows[:, column] = torch.linspace(low, high, 65)
    images = source.render(rows, 64).float()
    steps = (images[1:] - images[:-1]).abs().mean((1, 2, 3))
    assert steps.max() < 0.3 * (images[-1] - images[0]).abs().mean()


@pytest.mark.parametrize("name", NAMES)
def test_any_size_within_the_limits_can_be_drawn(name: str):
    source = source_of(name)
    rows = source.draw_factors(2, rng())
    assert source.render(rows, 48).shape[2:] == (48, 48)
    assert source.render(rows[:0], 48).shape[0] == 0
    with pytest.raises(BenchError, match="size: expected an integer from 8 to"):
        source.render(rows, 4)


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ([0.5, 0.0, 0.0], "factor kind: expected a whole number from 0 to 2, got 0.5"),
        ([3.0, 0.0, 0.0], "factor kind: expected a whole number from 0 to 2, got 3"),
        ([0.0, 1.5, 0.0], "factor x: expected a number from 0 to 1, got 1.5"),
        ([0.0, 0.0, math.nan], "factor angle: expected a number, got nan"),
        ([0.0, 0.0], r"factors: expected shape \(n, 3\), got \(1, 2\)"),
    ],
)
def test_values_that_cannot_be_drawn_are_refused(row: list[float], says: str):
    factors = (Factor("kind", "categorical", 0, 2, 3), Factor("x", "linear", 0, 1), Factor("angle", "circular", 0, 1))
    with pytest.raises(BenchError, match=says):
        checked_rows(factors, torch.tensor([row]))


def test_the_ends_of_a_range_can_be_drawn_in_float32():
    factor = Factor("x", "linear", 0.34, 0.66)  # as float32 both ends lie outside of the range by rounding
    ends = torch.tensor([[factor.low], [factor.high]])
    assert checked_rows((factor,), ends).shape == (2, 1)
    assert checked_rows((dataclasses.replace(factor, low=0.2),), ends).shape == (2, 1)
