"""Drawn faces with ground truth: parts, colours and pose vary independently, at any size from 64 to 1024 pixels."""

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from bench.api import Codes, Dataset, DataState, Factor, Pixels, Spec
from bench.data import face_drawing
from bench.data.builder import Blocks, DatasetBuilder, SplitBuilder
from bench.data.factors import checked_rows, random_rows
from bench.data.resize import check_size
from bench.data.source import Source
from bench.errors import BenchError

CLASSES = ("bob", "bun", "curly", "high-top", "long", "pigtails", "combover", "side-shave")  # of PARTS["hair"]
PART_OF = {"hair": "hair", "eyes": "eyes", "mouth": "mouth", "beard": "facialHair", "clothes": "clothes"}
FACTORS = (
    *(
        Factor(name, "categorical", 0, len(face_drawing.PARTS[part]) - 1, len(face_drawing.PARTS[part]))
        for name, part in PART_OF.items()
    ),
    Factor("hair-hue", "circular", 0.0, 1.0),  # of hair and beard; 0 red, 1/3 green, 2/3 blue
    Factor("clothes-hue", "circular", 0.0, 1.0),
    Factor("skin", "linear", 0.0, 1.0),  # 0 light, 1 dark
    Factor("shade", "linear", 0.2, 0.9),  # of the background; 0 black, 1 white
    Factor("rotation", "linear", -0.25, 0.25),  # radians, clockwise, about the centre of the head
    Factor("scale", "linear", 0.95, 1.2),  # a head is 0.44 scale wide, in image sides
    Factor("x", "linear", 0.44, 0.56),  # centre of the head, from the left, in image sides
    Factor("y", "linear", 0.5, 0.56),  # from the top
)
# Training images by size; a tenth as many for validation, a quarter for test: at most about 4 GB together.
COUNTS = {64: 20_000, 128: 20_000, 256: 10_000, 512: 4_000, 1024: 1_000}
BLOCK = 256  # images drawn at a time


def render(rows: NDArray[np.float32], size: int) -> NDArray[np.uint8]:
    """Images (n, 3, size, size) of rows of factor values."""
    images = np.empty((len(rows), 3, size, size), dtype=np.uint8)
    for image, row in zip(images, rows, strict=True):
        values = {factor.name: float(value) for factor, value in zip(FACTORS, row, strict=True)}
        parts = {part: face_drawing.PARTS[part][int(values.pop(name))] for name, part in PART_OF.items()}
        image[:] = face_drawing.draw(parts, values, size)
    return images


class Faces(Source):
    """`faces` at 64 pixels, or `faces:SIZE`. `render` draws the stored images exactly."""

    name = "faces"
    source = "drawn by bench with DiceBear; style Personas by Draftbit (draftbit.com, CC BY 4.0)"
    judge_floor = 0.97
    argument_meaning = "a size in pixels: " + ", ".join(map(str, COUNTS))
    largest = max(COUNTS)
    counts: ClassVar = COUNTS

    def __init__(self, argument: str = "", root: str | Path | None = None) -> None:
        super().__init__(argument, root)
        if argument and argument not in map(str, COUNTS):
            raise BenchError(f"faces: expected {self.argument_meaning}, got {argument!r}")
        self.size = int(argument or min(COUNTS))

    @property
    def spec_name(self) -> str:
        return _spec_name(self.size)

    def state(self) -> DataState:
        if face_drawing.installed():
            return DataState("ready")
        return DataState("missing", face_drawing.INSTALL)

    def fingerprint(self) -> str:
        return face_drawing.versions()

    def load(self, size: int | None = None) -> Dataset:
        """As in the base class; the digest covers the versions of the packages that draw, too."""
        dataset = super().load(size)
        text = f"{dataset.digest} {face_drawing.versions()}"
        return replace(dataset, digest=hashlib.sha256(text.encode()).hexdigest())

    def draw_factors(self, n: int, rng: torch.Generator) -> Codes:
        """n rows of factor values, float32 (n, 13), uniform and independent."""
        return random_rows(FACTORS, n, rng)

    def render(self, factors: Codes, size: int) -> Pixels:
        """The images (n, 3, size, size) of rows of factor values. Raises `BenchError` for a value out of range."""
        check_size(size, self.largest)
        face_drawing.versions()
        return torch.from_numpy(render(checked_rows(FACTORS, factors), size))

    def builder(self, size: int | None) -> DatasetBuilder:
        size = size or self.size
        if size not in self.counts:
            raise BenchError(f"faces: expected {self.argument_meaning}, got {size}")
        train = self.counts[size]
        parts = (self._part(n, seed, size) for seed, n in enumerate((train, train // 10, train // 4)))
        return DatasetBuilder(Spec(_spec_name(size), 3, size, CLASSES, FACTORS), *parts)

    def _part(self, count: int, seed: int, size: int) -> SplitBuilder:
        rows = random_rows(FACTORS, count, torch.Generator().manual_seed(seed)).numpy()

        def blocks() -> Blocks:
            step = max(1, BLOCK * 64**2 // size**2)
            for start in range(0, count, step):
                yield render(rows[start : start + step], size)

        return SplitBuilder(rows[:, 0].astype(np.int64), blocks, rows)


def _spec_name(size: int) -> str:
    return Faces.name if size == min(COUNTS) else f"{Faces.name}-{size}"
