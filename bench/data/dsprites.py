"""dSprites: one white shape on black for each point of a grid of five factors, as published or drawn by bench."""

import math
import zipfile
from pathlib import Path
from typing import IO, Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from bench.api import Codes, DataState, Factor, Pixels, Spec
from bench.data import shapes
from bench.data.builder import Blocks, DatasetBuilder, SplitBuilder
from bench.data.factors import checked_rows, random_rows
from bench.data.files import Published, parsing
from bench.data.resize import check_size, resize
from bench.data.source import FileSource, Source
from bench.data.splits import random_keys
from bench.errors import BenchError

CLASSES = ("square", "ellipse", "heart")
OUTLINES = (shapes.square, shapes.ellipse, shapes.heart)
FACTORS = (
    Factor("shape", "categorical", 0, 2, 3),
    Factor("scale", "linear", 0.5, 1.0, 6),
    Factor("orientation", "circular", 0.0, 2 * math.pi, 40),  # as published, the first value and the last are one angle
    Factor("x", "linear", 0.0, 1.0, 32),
    Factor("y", "linear", 0.0, 1.0, 32),
)
GRID = tuple(factor.count or 0 for factor in FACTORS)
POINTS = math.prod(GRID)  # 737,280; the last factor runs fastest
SIZE = 64
SEED = 3  # of the order in which points are assigned to splits
BLOCK = 1024  # images read at a time
CHUNK = 128  # images drawn at a time: small enough for the cache of the CPU
RADIUS = 15 / 64  # circumradius at scale 1 of the shapes drawn here, as a fraction of the image side


def grid_factors(points: NDArray[np.int64]) -> NDArray[np.float64]:
    """Factor values, shape (n, 5), at these points of the grid."""
    steps = np.stack(np.unravel_index(points, GRID), axis=1)
    low, high = np.array([(factor.low, factor.high) for factor in FACTORS]).T
    return low + (high - low) * steps / (np.array(GRID) - 1)


def split_points(test: int, validation: int, train: int | None) -> list[NDArray[np.int64]]:
    """Points of the grid for train, validation and test: one fixed random order, cut in three."""
    order = np.argsort(random_keys(POINTS, SEED), kind="stable")
    stop = POINTS if train is None else test + validation + train
    return [order[test + validation : stop], order[test : test + validation], order[:test]]


def on_grid(rows: NDArray[np.float32]) -> NDArray[np.float64]:
    """Factor values (n, 5) without the error of float32 in values of the grid."""
    low, high = np.array([(factor.low, factor.high) for factor in FACTORS]).T
    last = np.array(GRID) - 1
    exact = low + (high - low) * np.rint((rows - low) / (high - low) * last) / last
    return np.where(exact.astype(np.float32) == rows, exact, rows.astype(np.float64))


def render(points: NDArray[np.int64], size: int) -> NDArray[np.uint8]:
    """Draw these points of the grid, 0 or 255, shape (n, 1, size, size)."""
    return draw(grid_factors(points), size)


def draw(factors: NDArray[np.float64], size: int) -> NDArray[np.uint8]:
    """Draw rows of factor values, 0 or 255, shape (n, 1, size, size)."""
    pose = np.stack([factors[:, 1] * RADIUS, 0.25 + factors[:, 3] / 2, 0.25 + factors[:, 4] / 2, factors[:, 2]], axis=1)
    tables = np.stack([shapes.distance_table(outline) for outline in OUTLINES])
    distances = shapes.signed_distances(tables, factors[:, 0].astype(np.int64), pose, size)
    return np.where(distances < 0, np.uint8(255), np.uint8(0))[:, None]


def read_npz(path: Path) -> NDArray[np.uint8]:
    """All images as packed bits, shape (737280, 512): an eighth of what they take unpacked."""
    with parsing(path, "dSprites file"), zipfile.ZipFile(path) as archive:
        with archive.open("latents_classes.npy") as file:
            _read_header(file, path, "classes", (POINTS, 1 + len(GRID)), "biu")
            file.seek(0)
            classes = np.load(file, allow_pickle=False)[:, 1:]  # the first column is the colour, always white
        if not np.array_equal(classes, np.stack(np.unravel_index(np.arange(POINTS), GRID), axis=1)):
            raise BenchError(f"{path} does not contain the published grid of {POINTS} points in its order")
        with archive.open("imgs.npy") as file:
            kind = _read_header(file, path, "images", (POINTS, SIZE, SIZE), "u")
            if kind != np.uint8:
                raise BenchError(f"{path}: expected images of uint8, got {kind}")
            return _pack(file)


def _read_header(file: IO[bytes], path: Path, what: str, shape: tuple[int, ...], kinds: str) -> np.dtype[Any]:
    """The dtype of an array in an .npz, from its header, so that no memory is allocated for an unexpected array."""
    version = np.lib.format.read_magic(file)
    if version != (1, 0):
        raise BenchError(f"{path}: expected {what} in format version (1, 0), got {version}")
    got, by_columns, kind = np.lib.format.read_array_header_1_0(file)
    if got != shape or by_columns or kind.kind not in kinds:
        raise BenchError(f"{path}: expected {what} of shape {shape}, got {kind} of shape {got}")
    return kind


def _pack(file: IO[bytes]) -> NDArray[np.uint8]:
    packed = np.empty((POINTS, SIZE * SIZE // 8), dtype=np.uint8)
    for start in range(0, POINTS, BLOCK):
        count = min(BLOCK, POINTS - start)
        pixels = np.frombuffer(file.read(count * SIZE * SIZE), dtype=np.uint8).reshape(count, SIZE * SIZE)
        if pixels.max() > 1:
            raise ValueError(f"expected pixels of 0 or 1, got {pixels.max()}")
        packed[start : start + count] = np.packbits(pixels, axis=1)
    if file.read(1):  # at the end the checksum is compared
        raise ValueError(f"expected {POINTS} images, got more")
    return packed


def _spec(name: str, size: int | None) -> Spec:
    return Spec(name, 1, size or SIZE, CLASSES, FACTORS)


def _labelled(points: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    factors = grid_factors(points)
    return factors[:, 0].astype(np.int64), factors.astype(np.float32)


class DSprites(FileSource):
    """The 737,280 published images: 10,000 for test, 5,000 for validation, the others for training."""

    name = "dsprites"
    source = "https://github.com/google-deepmind/dsprites-dataset (Apache 2.0)"
    judge_floor = 0.95
    counts: ClassVar = (10_000, 5_000, None)  # test, validation, train: all others
    files = (
        Published(
            "dsprites_ndarray_co1sh3sc6or40x32y32_64x64.npz",
            (
                "https://github.com/google-deepmind/dsprites-dataset/raw/master/"
                "dsprites_ndarray_co1sh3sc6or40x32y32_64x64.npz",
            ),
            "md5:7da33b31b13a06f4b04a70402ce90c2e",
            27,
        ),
    )

    def path(self, file: Published) -> Path:
        try:
            return super().path(file)
        except BenchError as error:
            raise BenchError(f"{error}; data set 'dsprites-like' needs no file") from error

    def builder(self, size: int | None) -> DatasetBuilder:
        spec, packed = _spec(self.name, size), read_npz(self.path(self.files[0]))

        def part(points: NDArray[np.int64]) -> SplitBuilder:
            def blocks() -> Blocks:
                for start in range(0, len(points), BLOCK):
                    pixels = np.unpackbits(packed[points[start : start + BLOCK]], axis=1) * np.uint8(255)
                    yield resize(pixels.reshape(-1, 1, SIZE, SIZE), spec.size)

            labels, factors = _labelled(points)
            return SplitBuilder(labels, blocks, factors)

        return DatasetBuilder(spec, *(part(points) for points in split_points(*self.counts)))


class DSpritesLike(Source):
    """Shapes drawn by bench at points of the same grid, sampled without replacement."""

    name = "dsprites-like"
    source = "drawn by bench on the grid of dSprites (Apache 2.0); not comparable with dsprites"
    judge_floor = 0.95
    counts: ClassVar = (5_000, 2_000, 20_000)  # test, validation, train

    def state(self) -> DataState:
        return DataState("ready")

    def fingerprint(self) -> str:
        return "drawn"

    def draw_factors(self, n: int, rng: torch.Generator) -> Codes:
        """n rows of factor values, float32 (n, 5): points of the grid, uniform and with replacement."""
        return random_rows(FACTORS, n, rng)

    def render(self, factors: Codes, size: int) -> Pixels:
        """The images (n, 1, size, size) of rows of factor values, between points of the grid too."""
        check_size(size)
        rows = on_grid(checked_rows(FACTORS, factors))
        blocks = [resize(draw(rows[start : start + CHUNK], SIZE), size) for start in range(0, len(rows), CHUNK)]
        return torch.from_numpy(np.concatenate([np.empty((0, 1, size, size), dtype=np.uint8), *blocks]))

    def builder(self, size: int | None) -> DatasetBuilder:
        spec = _spec(self.name, size)

        def part(points: NDArray[np.int64]) -> SplitBuilder:
            def blocks() -> Blocks:
                for start in range(0, len(points), CHUNK):
                    yield resize(render(points[start : start + CHUNK], SIZE), spec.size)

            labels, factors = _labelled(points)
            return SplitBuilder(labels, blocks, factors)

        return DatasetBuilder(spec, *(part(points) for points in split_points(*self.counts)))
