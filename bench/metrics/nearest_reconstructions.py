"""Mixing of neighbours: do samples lie nearer to reconstructions of training images than those of unseen images do?

`nearest-training-ratio` compares samples with real images. If all images of a method are blurred, the blur outweighs
everything else, and samples between two neighbours look far from both. Against the method's own reconstructions the
blur is the same on both sides.
"""

import numpy as np
import torch

from bench.api import Pixels
from bench.metrics.cache import Array
from bench.metrics.context import EvaluationContext
from bench.metrics.metric import Measured, NotMeasured
from bench.metrics.neighbours import nearest_in_blocks
from bench.metrics.scale import SMALL, Scale

MOST = 250  # samples, and test images
BLOCK = 1024  # training images at once


def nearest_reconstruction_ratio(context: EvaluationContext) -> Measured:
    """Mean pixel distance of samples to the nearest reconstruction of a training image, over that of test images.

    Of test images it is the reconstructions that are compared. 1: as far as unseen images; 0: reconstructions of
    training images. Raises `NotMeasured` if all reconstructions of test images are those of training images.
    """
    n = min(context.n, MOST)
    images = torch.cat([context.samples.images[:n], context.reconstructions[:n]])
    ours, theirs = np.split(_to_nearest(context, images), 2)
    if theirs.mean() == 0:
        raise NotMeasured("test images and training images have the same reconstructions")
    return Measured(float(ours.mean() / theirs.mean()), n)


def training_images(scale: Scale) -> int:
    """How many training images are reconstructed: all, or those of the reference if the samples are few."""
    return scale.train if scale.n >= SMALL else scale.reference


def _to_nearest(context: EvaluationContext, images: Pixels) -> Array:
    """Root mean squared distance of each image to the nearest reconstruction, in levels, float64 (n,)."""
    train = (context.dataset.train if context.n >= SMALL else context.real).images
    blocks = (_rows(context.reconstruct(block)) for block in train.split(BLOCK))
    index = nearest_in_blocks(_rows(images), blocks, context.device)
    nearest = context.reconstruct(train[torch.from_numpy(index)])
    return np.asarray((images.double() - nearest.double()).square().flatten(1).mean(1).sqrt())


def _rows(pixels: Pixels) -> Array:
    return np.asarray(pixels.flatten(1).float() / 255)
