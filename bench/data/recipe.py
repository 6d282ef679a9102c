"""How the arrays of a data set come about: labels at once, images block by block, so that no more than one lies about."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.api import Spec
from bench.data.resize import resize
from bench.data.splits import holdout, random_keys

BLOCK = 512  # images
Blocks = Iterator[NDArray[np.uint8]]


@dataclass(frozen=True)
class Part:
    """One split: labels int64 (n,), factors float32 (n, f), and its images in order, uint8 (b, c, h, w) at a time."""

    labels: NDArray[np.int64]
    blocks: Callable[[], Blocks]
    factors: NDArray[np.float32] | None = None


@dataclass(frozen=True)
class Recipe:
    """The three splits of one data set."""

    spec: Spec
    train: Part
    validation: Part
    test: Part

    def parts(self) -> dict[str, Part]:
        return {"train": self.train, "validation": self.validation, "test": self.test}


@dataclass(frozen=True)
class Arrays:
    """Published images uint8 (n, c, h, h) with their labels, whole in memory."""

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]

    def part(self, size: int, index: NDArray[np.int64]) -> Part:
        """Those at `index`, resized block by block."""

        def blocks() -> Blocks:
            for start in range(0, len(index), BLOCK):
                yield resize(self.images[index[start : start + BLOCK]], size)

        return Part(self.labels[index], blocks)


def from_arrays(spec: Spec, train: Arrays, test: Arrays) -> Recipe:
    """Test as published; validation held out from train."""
    held = holdout(train.labels, random_keys(len(train.labels)))
    return Recipe(
        spec,
        train.part(spec.size, np.flatnonzero(~held)),
        train.part(spec.size, np.flatnonzero(held)),
        test.part(spec.size, np.arange(len(test.labels))),
    )
