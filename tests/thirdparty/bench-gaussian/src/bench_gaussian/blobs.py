"""One or two soft grey spots anywhere in the image: a procedural data set with one factor of variation."""

import hashlib
from typing import ClassVar

import torch

from bench import Data, Dataset, DataSource, DataState, Factor, Spec, quantize

CLASSES = ("one", "two")
FACTORS = (Factor("width", "linear", 0.08, 0.16),)  # standard deviation of a spot, in image sides


class Blobs(DataSource):
    source = "drawn by bench-gaussian (MIT)"
    counts: ClassVar = {"train": 2_000, "validation": 300, "test": 500}

    def state(self) -> DataState:
        return DataState("ready")

    def load(self, size: int | None = None) -> Dataset:
        """Three splits of grey images, of 16 pixels by default."""
        spec = Spec("blobs", 1, size or 16, CLASSES, FACTORS)
        splits = {name: self._draw(spec, n, seed) for seed, (name, n) in enumerate(self.counts.items())}
        digest = hashlib.sha256(b"".join(split.images.numpy().tobytes() for split in splits.values()))
        return Dataset(spec, **splits, digest=digest.hexdigest())

    @staticmethod
    def _draw(spec: Spec, n: int, seed: int) -> Data:
        rng = torch.Generator().manual_seed(seed)
        labels = torch.randint(len(CLASSES), (n,), generator=rng)
        width = FACTORS[0].low + (FACTORS[0].high - FACTORS[0].low) * torch.rand(n, 1, 1, generator=rng)
        grid = (torch.arange(spec.size) + 0.5) / spec.size
        spots = []
        for x, y in 0.2 + 0.6 * torch.rand(2, 2, n, 1, 1, generator=rng):
            distance = (grid - x) ** 2 + (grid[:, None] - y) ** 2  # (n, size, size)
            spots.append(torch.exp(-distance / (2 * width**2)))
        images = torch.maximum(spots[0], spots[1] * labels[:, None, None])
        return Data(spec, quantize(images[:, None]), labels, width[:, :, 0])
