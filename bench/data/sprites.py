"""Coloured shapes on gray, drawn by bench: all factors known, no download, bit-identical on every machine."""

import math
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from bench.api import DataState, Factor, Spec
from bench.data import shapes
from bench.data.builder import Blocks, DatasetBuilder, SplitBuilder
from bench.data.source import Source
from bench.data.splits import random_keys
from bench.errors import BenchError

SHAPES = (
    shapes.arrow, shapes.crescent, shapes.cross, shapes.drop,
    shapes.half_disc, shapes.heart, shapes.horseshoe, shapes.triangle,
)  # fmt: skip
CLASSES = tuple(shape.__name__.replace("_", "-") for shape in SHAPES)
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
SEED = 20_240
CHUNK = 128  # images drawn at a time: small enough for the cache of the CPU


def draw_factors(n: int, seed: int) -> NDArray[np.float64]:
    """n rows of factor values, uniform and independent; row i does not depend on n."""
    uniform = (random_keys(n * len(FACTORS), SEED, seed) >> np.uint64(11)) * 2.0**-53
    uniform = uniform.reshape(n, len(FACTORS))
    low, high = (np.array([getattr(factor, end) for factor in FACTORS]) for end in ("low", "high"))
    values = low + uniform * (high - low)
    values[:, 0] = np.floor(uniform[:, 0] * len(SHAPES))
    return values


def colours(hue: NDArray[np.float64]) -> NDArray[np.float32]:
    """RGB in [0, 1], shape (n, 3), of hues in turns."""
    ramp = np.abs((hue[:, None] + np.array([1.0, 2 / 3, 1 / 3])) % 1.0 * 6 - 3) - 1
    return (VALUE * (1 - SATURATION + SATURATION * ramp.clip(0, 1))).astype(np.float32)


def render(factors: NDArray[np.float64], size: int) -> NDArray[np.uint8]:
    """Images (n, 3, size, size) of rows of factor values."""
    tables = np.stack([shapes.distance_table(shape) for shape in SHAPES])
    images = np.empty((len(factors), 3, size, size), dtype=np.uint8)
    for start in range(0, len(factors), CHUNK):
        rows = factors[start : start + CHUNK]
        distances = shapes.signed_distances(tables, rows[:, 0].astype(np.int64), rows[:, [1, 3, 4, 2]], size)
        covered = shapes.coverage(distances)
        shade = rows[:, 6].astype(np.float32) * 255
        contrast = colours(rows[:, 5]) * 255 - shade[:, None]
        for channel in range(3):
            pixels = covered * contrast[:, channel, None, None] + (shade[:, None, None] + np.float32(0.5))
            images[start : start + CHUNK, channel] = pixels  # truncates: 0.5 above rounds
    return images


class Sprites(Source):
    name = "sprites"
    source = "drawn by bench (Apache 2.0)"
    judge_floor = 0.95
    counts: ClassVar = COUNTS

    def state(self) -> DataState:
        return DataState("ready")

    def fingerprint(self) -> str:
        return "drawn"

    def builder(self, size: int | None) -> DatasetBuilder:
        size = size or SIZES[0]
        if size not in SIZES:
            raise BenchError(f"sprites: expected a size of {' or '.join(map(str, SIZES))} pixels, got {size}")
        spec = Spec(self.name, 3, size, CLASSES, FACTORS)
        return DatasetBuilder(spec, *(self._part(count, seed, size) for seed, count in enumerate(self.counts.values())))

    def _part(self, count: int, seed: int, size: int) -> SplitBuilder:
        factors = draw_factors(count, seed)

        def blocks() -> Blocks:
            for start in range(0, count, 1024):
                yield render(factors[start : start + 1024], size)

        return SplitBuilder(factors[:, 0].astype(np.int64), blocks, factors.astype(np.float32))
