"""Memorising: do samples lie nearer to training images than unseen real images do?"""

from collections.abc import Callable

import numpy as np

from bench.errors import BenchError
from bench.metrics.cache import Array
from bench.metrics.context import EvaluationContext
from bench.metrics.metric import Measured, NotMeasured
from bench.metrics.nearest_images import NearestImages, nearest_images, to_another
from bench.util.hashing import tensor_digest

MOST = 500  # samples, and test images, whose neighbours are searched


def nearest_training_ratio(space: str) -> Callable[[EvaluationContext], Measured]:
    """Mean distance of samples to the nearest training image, divided by that of test images.

    1 for real images, 0 for copies. Raises `BenchError` if all test images are copies of training images.
    """

    def compute(context: EvaluationContext) -> Measured:
        theirs = _of_test_images(context, space).mean()
        if theirs == 0:
            raise BenchError(
                f"all test images of {context.spec.name} are copies of training images, so nearest-training-ratio is undefined"
            )
        ours = _of_samples(context, space).distances
        return Measured(float(ours.mean() / theirs), len(ours))

    return compute


def copying(space: str) -> Callable[[EvaluationContext], Measured]:
    """The probability that a sample lies nearer to its nearest training image than a test image does to its own.

    The statistic of the test for copying of Meehan et al. (arXiv 2004.05675) with one cell; part `z`: its
    distance from 0.5 in standard deviations, as if images were independent.
    """

    def compute(context: EvaluationContext) -> Measured:
        ours, theirs = _of_samples(context, space).distances, _of_test_images(context, space)
        share = nearer(ours, theirs)
        deviation = np.sqrt((len(ours) + len(theirs) + 1) / (12 * len(ours) * len(theirs)))
        return Measured(share, len(ours), {"z": float((share - 0.5) / deviation)})

    return compute


def authenticity(space: str) -> Callable[[EvaluationContext], Measured]:
    """The share of samples farther from their nearest training image than that is from another training image.

    Alaa et al., arXiv 2102.08921; AuthPct in later work. Raises `NotMeasured` if all training images are equal.
    """

    def compute(context: EvaluationContext) -> Measured:
        found = _of_samples(context, space)
        others = to_another(found.features, context.real_features(space), context.device)
        if not np.isfinite(others).all():
            raise NotMeasured("a training image has no other beside it: all reference images are equal")
        return Measured(float((found.distances > others).mean()), len(others))

    return compute


def nearer(x: Array, y: Array) -> float:
    """The probability that a value of x is below one of y, where equal ones count half (Mann and Whitney 1947)."""
    ordered = np.sort(y)
    above = len(y) - np.searchsorted(ordered, x, side="right")
    equal = len(y) - np.searchsorted(ordered, x, side="left") - above
    return float((above + equal / 2).mean() / len(y))


def _of_samples(context: EvaluationContext, space: str) -> NearestImages:
    n = min(context.n, MOST)

    def search() -> NearestImages:
        return nearest_images(context, space, context.samples.images[:n], context.features(space)[:n])

    return context.memoize(f"nearest-{space}", search)


def _of_test_images(context: EvaluationContext, space: str) -> Array:
    """The distances of test images to the nearest training image, (n,)."""
    images = context.test.images[: min(context.n, MOST)]

    def search() -> Array:
        return nearest_images(context, space, images, context.embed(space, images)).distances

    parts = (tensor_digest([images]), context.dataset.digest, context.real_digest)
    return context.cached(f"nearest-{space}", space, parts, search)
