"""The nearest training image of each image, so that every copied training image is found.

It is searched among the reference images by features, and in the whole training set by thumbnails.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional as F

from bench.api import Pixels
from bench.metrics.cache import Array
from bench.metrics.context import EvaluationContext
from bench.metrics.features.base import Features
from bench.metrics.neighbours import distance_blocks, nearest, nearest_in_blocks, pair_distances, row_distances

THUMBNAIL = 16  # pixels per side, at most
BLOCK = 8192  # training images at once
CANDIDATES = 8  # neighbours among which the nearest one that is not the same image is searched first


@dataclass(frozen=True)
class NearestImages:
    """The features of the nearest training image of each image, (n, d), and the distances to them, float32 (n,)."""

    features: Features
    distances: Array


def nearest_images(context: EvaluationContext, space: str, images: Pixels, features: Features) -> NearestImages:
    """The nearest training images found. `features`: those of `images`, (n, d)."""
    real = context.real_features(space)
    found = real[nearest(features, real, context.device)]
    distances = row_distances(features, found)
    if context.reference < len(context.dataset.train):
        train = context.dataset.train.images
        kept = context.cached("thumbnails", "", (context.dataset.digest,), lambda: thumbnails(train))
        twins = train[torch.from_numpy(nearest_thumbnails(thumbnails(images), kept, context.device))]
        others = context.embed(space, twins)
        further = row_distances(features, others)
        found = np.where((further < distances)[:, None], others, found)
        distances = np.minimum(distances, further)
    return NearestImages(found, distances.astype(np.float32))


def to_another(x: Features, y: Features, device: torch.device) -> Array:
    """Distance of each row of x to the nearest row of y that is not equal to it, float64 (n,); infinite if there is none."""
    found = np.full(len(x), np.inf)
    for rows, near in distance_blocks(x, y, device):
        places = near.topk(min(CANDIDATES, len(y)), largest=False).indices.cpu().numpy()
        for i, candidates in zip(range(rows.start, rows.stop), places, strict=True):
            found[i] = _nearest_other(x, i, y, candidates)
            if np.isinf(found[i]):  # all of them are equal to it
                found[i] = _nearest_other(x, i, y, np.arange(len(y)))
    return np.sqrt(found)


def _nearest_other(x: Features, i: int, y: Features, candidates: Array) -> float:
    squares = pair_distances(x, np.full(len(candidates), i), y, candidates)
    return float(squares[squares > 0].min(initial=np.inf))


def nearest_thumbnails(thumbs: Array, train: Array, device: torch.device) -> Array:
    """Index of the training thumbnail nearest to each thumbnail, int64 (n,)."""
    blocks = (train[start : start + BLOCK].astype(np.float32) for start in range(0, len(train), BLOCK))
    return nearest_in_blocks(thumbs.astype(np.float32), blocks, device)


def thumbnails(pixels: Pixels, side: int = THUMBNAIL) -> Array:
    """Area averages at `side` pixels per side (smaller images keep their size), flattened: uint8 (n, d)."""
    size = min(side, pixels.shape[-1])
    parts = (F.adaptive_avg_pool2d(part.float(), size).round().byte() for part in pixels.split(BLOCK))
    return torch.cat(list(parts)).flatten(1).numpy()
