"""Builders of data sets: labels at once, images block by block, so that only one block is in memory."""

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
class SplitBuilder:
    """One split: labels int64 (n,), factors float32 (n, f), and its images in order, in blocks uint8 (b, c, h, w)."""

    labels: NDArray[np.int64]
    blocks: Callable[[], Blocks]
    factors: NDArray[np.float32] | None = None


@dataclass(frozen=True)
class DatasetBuilder:
    """The three splits of one data set."""

    spec: Spec
    train: SplitBuilder
    validation: SplitBuilder
    test: SplitBuilder

    def splits(self) -> dict[str, SplitBuilder]:
        return {"train": self.train, "validation": self.validation, "test": self.test}


@dataclass(frozen=True)
class Arrays:
    """Published images uint8 (n, c, h, h) with their labels int64 (n,), all in memory."""

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]

    def split(self, size: int, index: NDArray[np.int64]) -> SplitBuilder:
        """The images at `index` (n,), resized block by block."""

        def blocks() -> Blocks:
            for start in range(0, len(index), BLOCK):
                yield resize(self.images[index[start : start + BLOCK]], size)

        return SplitBuilder(self.labels[index], blocks)


def from_arrays(spec: Spec, train: Arrays, test: Arrays) -> DatasetBuilder:
    """A builder with the published test split, and a validation split held out from `train`."""
    held = holdout(train.labels, random_keys(len(train.labels)))
    return DatasetBuilder(
        spec,
        train.split(spec.size, np.flatnonzero(~held)),
        train.split(spec.size, np.flatnonzero(held)),
        test.split(spec.size, np.arange(len(test.labels))),
    )
