"""The procedural sprites."""

import hashlib
import itertools
import math

import numpy as np
import pytest

from bench.data import load, shapes, sprites
from bench.errors import BenchError


def draw(size: int = 64, **factors: float) -> np.ndarray:
    """One sprite as float (3, size, size), by default in the middle of the image."""
    middle = {"shape": 0, "scale": 0.3, "orientation": 0, "x": 0.5, "y": 0.5, "hue": 0, "shade": 0}
    row = np.array([[(middle | factors)[factor.name] for factor in sprites.FACTORS]], dtype=np.float64)
    return sprites.render(row, size)[0].astype(np.float64)


def test_the_images_are_the_same_on_every_machine_and_in_every_version():
    images = sprites.render(sprites.draw_factors(256, 0), 32)
    assert hashlib.sha256(images.tobytes()).hexdigest()[:16] == PINNED


PINNED = "03f57228f217bc87"


def test_an_image_does_not_depend_on_how_many_are_drawn():
    few, many = sprites.draw_factors(5, 0), sprites.draw_factors(200, 0)
    assert (few == many[:5]).all()
    assert (sprites.render(few, 32) == sprites.render(many, 32)[:5]).all()


def test_the_splits_come_from_different_seeds():
    assert not np.isin(sprites.draw_factors(500, 0)[:, 1], sprites.draw_factors(500, 1)[:, 1]).any()


def test_factors_stay_in_their_ranges_and_fill_them():
    factors = sprites.draw_factors(20_000, 0)
    for column, factor in zip(factors.T, sprites.FACTORS, strict=True):
        assert factor.low <= column.min() < column.max() <= factor.high
        assert column.max() - column.min() > 0.99 * (factor.high - factor.low)
    assert np.abs(np.corrcoef(factors.T) - np.eye(len(sprites.FACTORS))).max() < 0.03
    assert np.bincount(factors[:, 0].astype(int)).min() > 2_000


@pytest.mark.parametrize("shape", range(len(sprites.SHAPES)))
def test_a_shape_covers_its_area(shape: int):
    points = shapes._centred(np.array(sprites.SHAPES[shape]()))
    x, y = points.T
    area = abs((x * np.roll(y, -1) - np.roll(x, -1) * y).sum()) / 2 * (0.3 * 64) ** 2  # shoelace, in pixels
    red = draw(shape=shape, shade=0)[0] / 255
    assert red.sum() == pytest.approx(area, rel=0.02)


@pytest.mark.parametrize("shape", range(len(sprites.SHAPES)))
def test_the_centroid_lies_where_x_and_y_say(shape: int):
    red = draw(shape=shape, x=0.4, y=0.6, orientation=1.0)[0]
    centres = (np.arange(64) + 0.5) / 64
    assert (red.sum(axis=0) @ centres) / red.sum() == pytest.approx(0.4, abs=0.005)
    assert (red.sum(axis=1) @ centres) / red.sum() == pytest.approx(0.6, abs=0.005)


@pytest.mark.parametrize("shape", range(len(sprites.SHAPES)))
def test_orientation_turns_clockwise(shape: int):
    upright, turned = draw(shape=shape), draw(shape=shape, orientation=math.pi / 2)
    assert np.abs(np.rot90(upright, -1, axes=(1, 2)) - turned).mean() < 0.5


@pytest.mark.parametrize("shape", range(len(sprites.SHAPES)))
def test_no_shape_looks_the_same_in_two_orientations(shape: int):
    upright = draw(shape=shape)[0]
    ink = upright.sum()
    for turn in np.arange(1, 12) / 12:
        turned = draw(shape=shape, orientation=2 * math.pi * turn)[0]
        assert np.abs(turned - upright).sum() > 0.2 * ink


def test_scale_is_the_circumradius():
    for scale in (0.2, 0.34):
        red = draw(scale=scale)[0]
        rows, columns = np.nonzero(red > 20)
        reach = np.hypot(rows + 0.5 - 32, columns + 0.5 - 32).max()
        assert reach == pytest.approx(scale * 64, abs=1.0)


def test_a_sprite_is_never_cut():
    ranges = {factor.name: factor for factor in sprites.FACTORS}
    for axis in ("x", "y"):
        assert ranges[axis].low - ranges["scale"].high >= 0
        assert ranges[axis].high + ranges["scale"].high <= 1


def test_edges_are_smooth():
    red = draw(shape=4, orientation=0.3)[0]
    partial = ((red > 20) & (red < 235)).sum()
    assert partial > 40


def test_hue_and_shade_are_colours():
    def middle(hue: float) -> list[float]:
        return draw(shape=4, hue=hue)[:, 32, 32].tolist()

    assert middle(0) == [255, 51, 51]
    assert middle(1 / 3) == [51, 255, 51]
    assert middle(2 / 3) == [51, 51, 255]
    assert middle(1) == middle(0)
    assert draw(shade=0.6)[:, 0, 0].tolist() == [153, 153, 153]


def test_64_pixels_show_the_same_scenes_as_32():
    factors = sprites.draw_factors(50, 0)
    small = sprites.render(factors, 32).astype(np.float64)
    large = sprites.render(factors, 64).astype(np.float64)
    assert np.abs(large.reshape(50, 3, 32, 2, 32, 2).mean(axis=(3, 5)) - small).mean() < 1


def test_a_signed_distance_is_exact_in_the_middle_of_a_square():
    table = shapes.distance_table(shapes.square)
    centre = (shapes.TABLE - 1) // 2
    assert table[centre, centre] == pytest.approx(-math.sqrt(0.5), abs=1e-5)
    assert table[centre, -1] == pytest.approx(shapes.REACH - math.sqrt(0.5), abs=1e-5)
    assert table[0, 0] == pytest.approx((shapes.REACH - math.sqrt(0.5)) * math.sqrt(2), abs=1e-5)


def test_a_linear_classifier_fails():
    factors = sprites.draw_factors(3_000, 0)
    pixels = sprites.render(factors, 32).reshape(3_000, -1) / 255 - 0.5
    labels = factors[:, 0].astype(int)
    gram = pixels @ pixels[:2_000].T
    dual = np.linalg.solve(gram[:2_000] + 30 * np.eye(2_000), np.eye(8)[labels[:2_000]])  # ridge regression
    found = (gram @ dual).argmax(axis=1) == labels
    assert found[:2_000].mean() > 0.5  # it has learned what it can
    assert found[2_000:].mean() < 0.4


def test_the_data_set_is_as_documented(monkeypatch: pytest.MonkeyPatch):
    assert sprites.Sprites.counts == {"train": 20_000, "validation": 2_000, "test": 5_000}
    monkeypatch.setattr(sprites.Sprites, "counts", {"train": 60, "validation": 20, "test": 30})
    dataset = load("sprites")
    assert (len(dataset.train), len(dataset.validation), len(dataset.test)) == (60, 20, 30)
    assert dataset.spec.shape == (3, 32, 32)
    assert dataset.test.factors is not None
    assert (dataset.test.factors[:, 0].long() == dataset.test.labels).all()
    assert load("sprites", size=64).spec.size == 64


def test_other_sizes_are_refused():
    with pytest.raises(BenchError, match="expected a size of 32 or 64 pixels, got 48"):
        load("sprites", size=48)


# The simple ones.


def test_simple_sprites_are_upright_and_have_four_shapes(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sprites.Sprites, "counts", {"train": 60, "validation": 20, "test": 30})
    dataset = load("sprites:simple")
    assert dataset.spec.name == "sprites-simple"
    assert dataset.spec.classes == ("crescent", "cross", "horseshoe", "triangle")
    assert [factor.name for factor in dataset.spec.factors] == ["shape", "scale", "x", "y", "hue", "shade"]
    assert dataset.test.factors is not None
    assert (dataset.test.factors[:, 0].long() == dataset.test.labels).all()


def test_a_simple_sprite_is_a_full_one_without_its_rotation():
    rows = sprites.draw_factors(50, 0, sprites.SCENES["simple"])
    names = [shape.__name__ for shape in sprites.SHAPES]
    full = np.insert(rows, 2, 0.0, axis=1)
    full[:, 0] = [names.index(sprites.SIMPLE_SHAPES[int(shape)].__name__) for shape in rows[:, 0]]
    assert (sprites.render(rows, 32, sprites.SCENES["simple"]) == sprites.render(full, 32)).all()


def test_simple_shapes_differ_clearly():
    """Two upright shapes of one size share at most 40 % of the area that either covers."""
    inside = [shapes.distance_table(shape) < 0 for shape in sprites.SIMPLE_SHAPES]
    for one, other in itertools.combinations(inside, 2):
        assert (one & other).sum() <= 0.4 * (one | other).sum()


def test_simple_images_are_not_those_of_the_full_data_set():
    full, simple = sprites.draw_factors(500, 0), sprites.draw_factors(500, 0, sprites.SCENES["simple"])
    pairs = np.concatenate([full[:, [1, 6]], simple[:, [1, 5]]])  # scale and shade
    assert len(np.unique(pairs.astype(np.float32), axis=0)) == 1_000
