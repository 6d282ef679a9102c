"""Attributes in closed form: known shapes, known colours, the factors of the sprites, and images that show nothing."""

import math

import numpy as np
import pytest
import torch

from bench.api import Pixels
from bench.data import sprites
from bench.errors import BenchError
from bench.metrics.control.morphology import Morphology
from bench.metrics.control.oracle import values
from bench.metrics.control.strokes import skeleton_length

FINE = 8  # samples along each side of a pixel


def drawn(inside, size: int = 64) -> np.ndarray:
    """How much of each pixel lies where `inside(x, y)` holds, in image sides: (size, size) in [0, 1]."""
    axis = (np.arange(size * FINE) + 0.5) / (size * FINE)
    x, y = np.meshgrid(axis, axis)
    return inside(x, y).reshape(size, FINE, size, FINE).mean(axis=(1, 3))


def disc(radius: float, x: float = 0.5, y: float = 0.5, size: int = 64) -> np.ndarray:
    return drawn(lambda u, v: (u - x) ** 2 + (v - y) ** 2 < radius**2, size)


def bar(length: float, width: float, degrees: float, size: int = 64) -> np.ndarray:
    """A bar in the middle that leans to the right by this angle."""
    cosine, sine = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))

    def inside(x, y):
        along, across = (x - 0.5) * sine - (y - 0.5) * cosine, (x - 0.5) * cosine + (y - 0.5) * sine
        return (abs(along) < length / 2) & (abs(across) < width / 2)

    return drawn(inside, size)


def gray(shape: np.ndarray, inner: float = 1.0, outer: float = 0.0) -> Pixels:
    return torch.from_numpy(np.rint((outer + (inner - outer) * shape) * 255).astype(np.uint8))[None, None]


def coloured(shape: np.ndarray, colour: tuple[float, float, float], outer: float = 0.0) -> Pixels:
    return torch.cat([gray(shape, channel, outer) for channel in colour], dim=1)


def read(pixels: Pixels) -> dict[str, np.ndarray]:
    """The readings by name, (n,), and (n, 2) for the hue."""
    oracle = Morphology(pixels.shape[1])
    readings = oracle.read(pixels)
    return {
        a.name: readings[:, list(a.columns)].squeeze(axis=1 if len(a.columns) == 1 else ()) for a in oracle.attributes
    }


def one(pixels: Pixels) -> dict[str, float]:
    return {name: float(value[0]) for name, value in read(pixels).items() if value.ndim == 1}


# Closed forms


def test_a_disc_has_its_area_its_place_and_its_diameter_and_no_direction():
    measured = one(gray(disc(0.25, x=0.4, y=0.55)))
    assert measured["area"] == pytest.approx(math.pi / 16, rel=0.005)
    assert (measured["x"], measured["y"]) == pytest.approx((0.4, 0.55), abs=1e-3)
    assert measured["spread"] == pytest.approx(0.25 / math.sqrt(2), rel=0.005)
    assert measured["thickness"] == pytest.approx(0.5, rel=0.08)
    assert measured["elongation"] == pytest.approx(0, abs=0.005)
    assert measured["slant"] == pytest.approx(0, abs=0.005)


@pytest.mark.parametrize("size", [16, 28, 64, 256])
def test_attributes_do_not_depend_on_the_resolution(size):
    measured = one(gray(disc(0.3, x=0.45, size=size)))
    assert measured["area"] == pytest.approx(math.pi * 0.09, rel=0.02)
    assert measured["x"] == pytest.approx(0.45, abs=0.003)
    assert measured["spread"] == pytest.approx(0.3 / math.sqrt(2), rel=0.02)


@pytest.mark.parametrize("degrees", [-40, -20, 0, 10, 30, 45])
def test_the_slant_of_a_thin_bar_is_its_angle(degrees):
    """Of a bar of length l and width w at the angle a: xy = (l^2 - w^2) sin(a) cos(a) / 12, yy likewise."""
    length, width, angle = 0.7, 0.06, math.radians(degrees)
    shear = (length**2 - width**2) * math.sin(angle) * math.cos(angle)
    upright = (length * math.cos(angle)) ** 2 + (width * math.sin(angle)) ** 2
    measured = one(gray(bar(length, width, degrees)))
    assert measured["slant"] == pytest.approx(math.atan2(shear, upright), abs=0.01)
    assert measured["slant"] == pytest.approx(angle, abs=0.03)
    assert measured["elongation"] == pytest.approx(1 - width / length, abs=0.02)


@pytest.mark.parametrize("degrees", [0, 25, 45, 90])
@pytest.mark.parametrize("width", [0.06, 0.1, 0.16])
def test_the_thickness_of_a_stroke_is_its_width_at_any_angle(width, degrees):
    assert one(gray(bar(0.7, width, degrees)))["thickness"] == pytest.approx(width, rel=0.3)


def test_a_square_that_moves_by_pixels_moves_its_centroid_by_as_much_and_nothing_else():
    square = np.zeros((32, 32))
    square[8:16, 4:12] = 1
    before, after = one(gray(square)), one(gray(np.roll(square, (5, 9), axis=(0, 1))))
    assert (before["x"], before["y"], before["area"]) == pytest.approx((8 / 32, 12 / 32, 64 / 1024), abs=1e-6)
    assert before["spread"] == pytest.approx(8 / 32 / math.sqrt(6), abs=1e-6)
    assert (after["x"] - before["x"], after["y"] - before["y"]) == pytest.approx((9 / 32, 5 / 32), abs=1e-6)
    still = [name for name in before if name not in ("x", "y")]
    assert [after[name] for name in still] == pytest.approx([before[name] for name in still], abs=1e-6)


def test_a_skeleton_is_as_long_as_its_line_also_on_a_diagonal():
    lines = np.zeros((3, 20, 20), dtype=bool)
    lines[0, 10, 3:15] = True
    lines[1, np.arange(2, 12), np.arange(2, 12)] = True
    lines[2, np.arange(2, 12), np.arange(12, 2, -1)] = True
    assert skeleton_length(lines).tolist() == pytest.approx([11, 9 * math.sqrt(2), 9 * math.sqrt(2)])


def test_the_skeletons_of_neighbouring_images_do_not_touch():
    full = np.ones((1, 16, 16), dtype=bool)
    assert skeleton_length(np.concatenate([full, full, full])).tolist() == [skeleton_length(full)[0]] * 3


@pytest.mark.parametrize(
    ("colour", "turns"),
    [
        ((1, 0, 0), 0),
        ((1, 1, 0), 1 / 6),
        ((0, 1, 0), 1 / 3),
        ((0, 1, 1), 1 / 2),
        ((0, 0, 1), 2 / 3),
        ((1, 0, 1), 5 / 6),
    ],
)
def test_the_hue_of_a_pure_colour_is_its_place_on_the_circle(colour, turns):
    pixels = coloured(disc(0.2), colour, outer=0.5)
    oracle = Morphology(3)
    hue = values(oracle.read(pixels), [a for a in oracle.attributes if a.name == "hue"])[0, 0]
    assert abs((hue - turns + 0.5) % 1 - 0.5) < 0.002
    assert np.linalg.norm(read(pixels)["hue"][0]) == pytest.approx(1, abs=0.01)
    assert one(pixels)["saturation"] == pytest.approx(1, abs=0.05)
    assert one(pixels)["contrast"] == pytest.approx(0.5, abs=0.05)


def test_opposite_hues_cancel():
    half = np.zeros((32, 32))
    half[8:24, 8:16] = 1
    pixels = coloured(half, (1, 0, 0)) + coloured(half[:, ::-1].copy(), (0, 1, 1))
    assert np.linalg.norm(read(pixels)["hue"][0]) == pytest.approx(0, abs=0.01)


# Invariances


def test_a_bright_shape_a_dark_shape_and_a_coloured_shape_have_the_same_form():
    shape = bar(0.6, 0.15, 30)
    bright, dark = one(gray(shape)), one(gray(shape, inner=0.1, outer=0.9))
    on_gray = one(coloured(shape, (0.2, 1.0, 0.4), outer=0.5))
    for name in ("area", "x", "y", "spread", "elongation", "slant", "thickness"):
        assert dark[name] == pytest.approx(bright[name], abs=0.005), name
        assert on_gray[name] == pytest.approx(bright[name], abs=0.01), name
    assert [it["background"] for it in (bright, dark, on_gray)] == pytest.approx([0, 0.9, 0.5], abs=0.003)


def test_a_mirror_image_has_the_opposite_slant():
    shape = gray(bar(0.6, 0.15, 30))
    assert one(shape.flip(3))["slant"] == pytest.approx(-one(shape)["slant"], abs=1e-5)


def test_faint_noise_moves_no_attribute():
    shape = gray(disc(0.25), inner=0.9, outer=0.1)
    noise = torch.randint(-8, 9, shape.shape, generator=torch.Generator().manual_seed(0))
    noisy, clean = one((shape + noise).to(torch.uint8)), one(shape)
    for name in ("area", "x", "y", "spread", "elongation", "slant"):
        assert noisy[name] == pytest.approx(clean[name], abs=0.005), name


def test_an_image_does_not_depend_on_the_others(monkeypatch):
    pixels = torch.from_numpy(sprites.render(sprites.draw_factors(40, 0), 32))
    together = Morphology(3).read(pixels)
    monkeypatch.setattr("bench.metrics.control.morphology.CHUNK", 1)
    assert np.allclose(Morphology(3).read(pixels), together, atol=1e-5)


# Extremes


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("level", [0, 77, 255])
def test_a_constant_image_has_no_foreground(channels, level):
    measured = one(torch.full((1, channels, 28, 28), level, dtype=torch.uint8))
    assert (measured.pop("x"), measured.pop("y")) == (0.5, 0.5)
    assert (measured.pop("intensity"), measured.pop("background")) == pytest.approx((level / 255, level / 255))
    assert set(measured.values()) == {0.0}


@pytest.mark.parametrize("channels", [1, 3])
def test_every_image_has_finite_attributes(channels):
    rng = torch.Generator().manual_seed(0)
    noise = torch.randint(0, 256, (20, channels, 16, 16), generator=rng, dtype=torch.uint8)
    point = torch.zeros(1, channels, 16, 16, dtype=torch.uint8)
    point[..., 3, 12] = 255
    halves = torch.zeros(2, channels, 16, 16, dtype=torch.uint8)
    halves[0, ..., :8, :], halves[1, ..., 8:] = 255, 255
    assert np.isfinite(Morphology(channels).read(torch.cat([noise, point, halves]))).all()


def test_no_images_give_no_readings():
    assert Morphology(3).read(torch.zeros(0, 3, 28, 28, dtype=torch.uint8)).shape == (0, 13)


def test_other_channels_are_refused():
    with pytest.raises(BenchError, match="expected images of 1 or 3 channels, got 2"):
        Morphology(2)
    with pytest.raises(BenchError, match="expected images of 3 channels, got 1"):
        Morphology(3).read(torch.zeros(1, 1, 28, 28, dtype=torch.uint8))


# The truth


@pytest.fixture(scope="module")
def truth() -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    factors = sprites.draw_factors(2000, 7)
    named = {factor.name: column for factor, column in zip(sprites.FACTORS, factors.T, strict=True)}
    return read(torch.from_numpy(sprites.render(factors, 32))), named


def correlation(x: np.ndarray, y: np.ndarray) -> float:
    return float(np.corrcoef(x, y)[0, 1])


def test_the_place_of_a_sprite_is_read(truth):
    measured, factors = truth
    assert correlation(measured["x"], factors["x"]) > 0.999
    assert correlation(measured["y"], factors["y"]) > 0.999
    assert np.abs(measured["x"] - factors["x"]).max() < 0.03


def test_the_background_of_a_sprite_is_its_shade(truth):
    measured, factors = truth
    assert np.abs(measured["background"] - factors["shade"]).max() < 0.003
    assert correlation(measured["intensity"], factors["shade"]) > 0.98


def test_the_hue_of_a_sprite_is_read(truth):
    measured, factors = truth
    angle = 2 * np.pi * factors["hue"]
    assert (measured["hue"] * np.stack([np.cos(angle), np.sin(angle)], axis=1)).sum(axis=1).min() > 0.99


def test_the_area_of_a_sprite_grows_with_its_squared_scale(truth):
    measured, factors = truth
    for shape in range(len(sprites.SHAPES)):
        chosen = factors["shape"] == shape
        assert correlation(measured["area"][chosen], factors["scale"][chosen] ** 2) > 0.99, shape
