"""The 1,797 handwritten digits that come with scikit-learn: real, small, no download."""

import numpy as np

from bench.api import DataState, Spec
from bench.data.builder import Arrays, DatasetBuilder, from_arrays
from bench.data.source import Source
from bench.data.splits import holdout, random_keys

SIZE = 32  # pixels; a convolutional network cannot halve the original 8 three times
TEST_FRACTION, TEST_SEED = 0.2, 1


class Digits(Source):
    name = "digits"
    source = "scikit-learn load_digits: UCI Optical Recognition of Handwritten Digits, test part (CC BY 4.0)"
    judge_floor = 0.93

    def state(self) -> DataState:
        return DataState("ready")

    def fingerprint(self) -> str:
        return "load_digits"

    def builder(self, size: int | None) -> DatasetBuilder:
        from sklearn.datasets import load_digits

        bunch = load_digits()
        images = np.rint(bunch.images * (255 / 16)).astype(np.uint8)[:, None]  # published as 0..16
        labels = bunch.target.astype(np.int64)
        held = holdout(labels, random_keys(len(labels), TEST_SEED), TEST_FRACTION, cap=None)
        spec = Spec(self.name, 1, size or SIZE, tuple("0123456789"))
        return from_arrays(spec, Arrays(images[~held], labels[~held]), Arrays(images[held], labels[held]))
