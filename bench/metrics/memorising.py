"""Memorising: are samples nearer to their nearest training image than unseen real images are to theirs?

Distances are measured in a feature space. The nearest neighbour is searched among the reference images by features, and
in the whole training set by thumbnails, so that every copied training image is found.
"""

from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from torch.nn import functional as F

from bench.api import Pixels
from bench.errors import BenchError
from bench.metrics.cache import Array
from bench.metrics.context import EvaluationContext
from bench.metrics.features.base import Features
from bench.metrics.metric import Measured
from bench.metrics.neighbours import distance_blocks, nearest, row_distances
from bench.util.hashing import tensor_digest

MOST = 500  # samples, and test images, whose neighbours are searched
THUMBNAIL = 16  # pixels per side, at most
BLOCK = 8192  # training images at once


def nearest_training_ratio(space: str) -> Callable[[EvaluationContext], Measured]:
    """Mean distance of samples to the nearest training image, divided by that of test images.

    1 for real images, 0 for copies. Raises `BenchError` if all test images are copies of training images.
    """

    def compute(context: EvaluationContext) -> Measured:
        n = min(context.n, MOST)
        test = context.test.images[:n]
        parts = (tensor_digest([test]), context.dataset.digest, context.real_digest)
        theirs = context.cached(f"nearest-{space}", space, parts, partial(_test_distances, context, space, test)).mean()
        if theirs == 0:
            raise BenchError(
                f"all test images of {context.spec.name} are copies of training images, so nearest-training-ratio is undefined"
            )
        samples = context.samples.images[:n]
        ours = distances(context, space, samples, context.features(space)[:n]).mean()
        return Measured(float(ours / theirs), n)

    return compute


def _test_distances(context: EvaluationContext, space: str, test: Pixels) -> Array:
    return distances(context, space, test, context.embed(space, test))


def distances(context: EvaluationContext, space: str, images: Pixels, features: Features) -> Array:
    """Distance of each image to the nearest training image found, float32 (n,). `features`: those of `images`, (n, d)."""
    real = context.real_features(space)
    found = row_distances(features, real[nearest(features, real, context.device)])
    if context.reference < len(context.dataset.train):
        train = context.dataset.train.images
        kept = context.cached("thumbnails", "", (context.dataset.digest,), lambda: thumbnails(train))
        twins = train[torch.from_numpy(nearest_thumbnails(thumbnails(images), kept, context.device))]
        found = np.minimum(found, row_distances(features, context.embed(space, twins)))
    return found.astype(np.float32)


def nearest_thumbnails(thumbs: Array, train: Array, device: torch.device) -> Array:
    """Index of the training thumbnail nearest to each thumbnail, int64 (n,)."""
    queries = thumbs.astype(np.float32)
    best, index = np.full(len(thumbs), np.inf, dtype=np.float32), np.zeros(len(thumbs), dtype=np.int64)
    for start in range(0, len(train), BLOCK):
        for rows, squares in distance_blocks(queries, train[start : start + BLOCK].astype(np.float32), device):
            near, place = (value.cpu().numpy() for value in squares.min(1))
            closer = near < best[rows]
            best[rows][closer], index[rows][closer] = near[closer], start + place[closer]
    return index


def thumbnails(pixels: Pixels, side: int = THUMBNAIL) -> Array:
    """Area averages at `side` pixels per side (smaller images keep their size), flattened: uint8 (n, d)."""
    size = min(side, pixels.shape[-1])
    parts = (F.adaptive_avg_pool2d(part.float(), size).round().byte() for part in pixels.split(BLOCK))
    return torch.cat(list(parts)).flatten(1).numpy()
