"""Memorising: are samples nearer to their nearest training image than unseen real images are to theirs?

Distances are in a feature space. The search goes over the reference in that space and over the whole training set by
thumbnail: a copied training image is found wherever it lies.
"""

from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from torch.nn import functional as F

from bench.api import Pixels
from bench.errors import BenchError
from bench.metrics.cache import Array, content_digest
from bench.metrics.exam import Exam
from bench.metrics.metric import Measured
from bench.metrics.neighbours import apart, blocks, nearest
from bench.metrics.spaces import Features

MOST = 500  # samples, and test images, whose neighbours are looked for
THUMBNAIL = 16  # pixels a side, at most
BLOCK = 8192  # training images at once


def nearest_training_ratio(space: str) -> Callable[[Exam], Measured]:
    """Mean distance of samples to the nearest training image over that of test images. 1 is real, 0 is copied."""

    def compute(exam: Exam) -> Measured:
        n = min(exam.n, MOST)
        test = exam.test.images[:n]
        parts = (content_digest(test), exam.dataset.digest, exam.real_digest)
        theirs = exam.kept(f"nearest-{space}", space, parts, partial(_test_distances, exam, space, test)).mean()
        if theirs == 0:
            raise BenchError(
                f"all test images of {exam.spec.name} are copies of training images: nothing to compare with"
            )
        samples = exam.samples.images[:n]
        ours = distances(exam, space, samples, exam.features(space)[:n]).mean()
        return Measured(float(ours / theirs), n)

    return compute


def _test_distances(exam: Exam, space: str, test: Pixels) -> Array:
    return distances(exam, space, test, exam.embed(space, test))


def distances(exam: Exam, space: str, images: Pixels, features: Features) -> Array:
    """Of each image to the nearest training image found, (n,)."""
    real = exam.real_features(space)
    found = apart(features, real[nearest(features, real, exam.device)])
    if exam.reference < len(exam.dataset.train):
        train = exam.dataset.train.images
        kept = exam.kept("thumbnails", "", (exam.dataset.digest,), lambda: thumbnails(train))
        twins = train[torch.from_numpy(lookalikes(thumbnails(images), kept, exam.device))]
        found = np.minimum(found, apart(features, exam.embed(space, twins)))
    return found.astype(np.float32)


def lookalikes(thumbs: Array, train: Array, device: torch.device) -> Array:
    """Index of the training thumbnail nearest to each thumbnail, int64 (n,)."""
    wanted = thumbs.astype(np.float32)
    best, index = np.full(len(thumbs), np.inf, dtype=np.float32), np.zeros(len(thumbs), dtype=np.int64)
    for start in range(0, len(train), BLOCK):
        for rows, squares in blocks(wanted, train[start : start + BLOCK].astype(np.float32), device):
            near, place = (value.cpu().numpy() for value in squares.min(1))
            closer = near < best[rows]
            best[rows][closer], index[rows][closer] = near[closer], start + place[closer]
    return index


def thumbnails(pixels: Pixels) -> Array:
    """Area averages at 16 pixels a side (or as they are, where smaller), flat: uint8 (n, d)."""
    size = min(THUMBNAIL, pixels.shape[-1])
    parts = (F.adaptive_avg_pool2d(part.float(), size).round().byte() for part in pixels.split(BLOCK))
    return torch.cat(list(parts)).flatten(1).numpy()
