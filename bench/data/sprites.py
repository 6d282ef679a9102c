"""Coloured shapes on gray, drawn by bench: all factors known, no download, bit-identical on every machine."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from bench.api import Codes, DataState, Factor, Pixels, Spec
from bench.data import shapes
from bench.data.builder import Blocks, DatasetBuilder, SplitBuilder
from bench.data.factors import checked_rows, random_rows
from bench.data.resize import check_size
from bench.data.source import Source
from bench.data.splits import random_keys
from bench.errors import BenchError, nearest

SHAPES = (
    shapes.arrow, shapes.crescent, shapes.cross, shapes.drop,
    shapes.half_disc, shapes.heart, shapes.horseshoe, shapes.triangle,
)  # fmt: skip
# Each shape has one axis of symmetry and no rotational symmetry: its orientation is unique over the whole turn.
FACTORS = (
    Factor("shape", "categorical", 0, len(SHAPES) - 1, len(SHAPES)),
    Factor("scale", "linear", 0.2, 0.34),  # circumradius, in image sides: the shape never leaves the image
    Factor("orientation", "circular", 0.0, 2 * math.pi),  # clockwise
    Factor("x", "linear", 0.34, 0.66),  # centroid, from the left, in image sides
    Factor("y", "linear", 0.34, 0.66),  # from the top
    Factor("hue", "circular", 0.0, 1.0),  # of the shape; 0 red, 1/3 green, 2/3 blue
    Factor("shade", "linear", 0.0, 0.6),  # of the background; 0 black, 1 white
)
SATURATION, VALUE = 0.8, 1.0  # of the shape's colour
SIZES = (32, 64)
COUNTS = {"train": 20_000, "validation": 2_000, "test": 5_000}
CHUNK = 128  # images drawn at a time: small enough for the cache of the CPU


@dataclass(frozen=True)
class Scene:
    """What one version of the data set shows: its shapes, its factors, and the seed of their values."""

    name: str
    shapes: tuple[Callable[[], shapes.Points], ...]
    factors: tuple[Factor, ...]
    seed: int

    @property
    def classes(self) -> tuple[str, ...]:
        return tuple(shape.__name__.replace("_", "-") for shape in self.shapes)


SIMPLE_SHAPES = (shapes.crescent, shapes.cross, shapes.horseshoe, shapes.triangle)  # upright, two share at most 40 %
SIMPLE_FACTORS = (
    replace(FACTORS[0], high=len(SIMPLE_SHAPES) - 1, count=len(SIMPLE_SHAPES)),
    *(factor for factor in FACTORS[1:] if factor.name != "orientation"),
)
FULL = Scene("sprites", SHAPES, FACTORS, 20_240)
SCENES = {"": FULL, "simple": Scene("sprites-simple", SIMPLE_SHAPES, SIMPLE_FACTORS, 20_241)}


def draw_factors(n: int, seed: int, scene: Scene = FULL) -> NDArray[np.float64]:
    """n rows of factor values, uniform and independent; row i does not depend on n."""
    uniform = (random_keys(n * len(scene.factors), scene.seed, seed) >> np.uint64(11)) * 2.0**-53
    uniform = uniform.reshape(n, len(scene.factors))
    low, high = (np.array([getattr(factor, end) for factor in scene.factors]) for end in ("low", "high"))
    values = low + uniform * (high - low)
    values[:, 0] = np.floor(uniform[:, 0] * len(scene.shapes))
    return values if scene is FULL else values.astype(np.float32).astype(np.float64)  # as stored


def colours(hue: NDArray[np.float64]) -> NDArray[np.float32]:
    """RGB in [0, 1], shape (n, 3), of hues in turns."""
    ramp = np.abs((hue[:, None] + np.array([1.0, 2 / 3, 1 / 3])) % 1.0 * 6 - 3) - 1
    return (VALUE * (1 - SATURATION + SATURATION * ramp.clip(0, 1))).astype(np.float32)


def render(factors: NDArray[np.float64], size: int, scene: Scene = FULL) -> NDArray[np.uint8]:
    """Images (n, 3, size, size) of rows of factor values. A scene without orientation is upright."""
    tables = np.stack([shapes.distance_table(shape) for shape in scene.shapes])
    images = np.empty((len(factors), 3, size, size), dtype=np.uint8)
    for start in range(0, len(factors), CHUNK):
        rows = factors[start : start + CHUNK]
        columns = {factor.name: column for factor, column in zip(scene.factors, rows.T, strict=True)}
        angle = columns.get("orientation", np.zeros(len(rows)))
        pose = np.stack([columns["scale"], columns["x"], columns["y"], angle], axis=1)
        covered = shapes.coverage(shapes.signed_distances(tables, columns["shape"].astype(np.int64), pose, size))
        shade = columns["shade"].astype(np.float32) * 255
        contrast = colours(columns["hue"]) * 255 - shade[:, None]
        for channel in range(3):
            pixels = covered * contrast[:, channel, None, None] + (shade[:, None, None] + np.float32(0.5))
            images[start : start + CHUNK, channel] = pixels  # truncates: 0.5 above rounds
    return images


class Sprites(Source):
    """`sprites`, or `sprites:simple` with four upright shapes.

    `render` draws the stored images of `sprites` up to 1/255, because the factors are stored as float32 and the images
    were drawn from float64; those of `sprites:simple` exactly.
    """

    name = "sprites"
    source = "drawn by bench (Apache 2.0)"
    judge_floor = 0.95
    argument_meaning = "'simple' or nothing"
    counts: ClassVar = COUNTS

    def __init__(self, argument: str = "", root: str | Path | None = None) -> None:
        super().__init__(argument, root)
        if argument not in SCENES:
            known = [name for name in SCENES if name]
            raise BenchError(f"sprites: expected {self.argument_meaning}, got {argument!r}; {nearest(argument, known)}")
        self.scene = SCENES[argument]

    @property
    def spec_name(self) -> str:
        return self.scene.name

    def state(self) -> DataState:
        return DataState("ready")

    def fingerprint(self) -> str:
        return "drawn"

    def draw_factors(self, n: int, rng: torch.Generator) -> Codes:
        """n rows of factor values, float32 (n, f), uniform and independent."""
        return random_rows(self.scene.factors, n, rng)

    def render(self, factors: Codes, size: int) -> Pixels:
        """The images (n, 3, size, size) of rows of factor values. Raises `BenchError` for a value out of range."""
        check_size(size)
        rows = checked_rows(self.scene.factors, factors).astype(np.float64)
        return torch.from_numpy(render(rows, size, self.scene))

    def builder(self, size: int | None) -> DatasetBuilder:
        size = size or SIZES[0]
        if size not in SIZES:
            raise BenchError(f"sprites: expected a size of {' or '.join(map(str, SIZES))} pixels, got {size}")
        spec = Spec(self.scene.name, 3, size, self.scene.classes, self.scene.factors)
        return DatasetBuilder(spec, *(self._part(count, seed, size) for seed, count in enumerate(self.counts.values())))

    def _part(self, count: int, seed: int, size: int) -> SplitBuilder:
        factors = draw_factors(count, seed, self.scene)

        def blocks() -> Blocks:
            for start in range(0, count, 1024):
                yield render(factors[start : start + 1024], size, self.scene)

        return SplitBuilder(factors[:, 0].astype(np.int64), blocks, factors.astype(np.float32))
