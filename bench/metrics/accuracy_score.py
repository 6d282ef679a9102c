"""The classification accuracy score: a classifier trained on samples alone, tested on real images (arXiv 1905.10887).

Shmelkov et al. (arXiv 1807.09499) call it GAN-train. Its mirror, GAN-test, is `class-agreement`: the judge is trained on
real images and tested on samples.
"""

import numpy as np

from bench.api import Pixels
from bench.metrics.context import EvaluationContext, fraction_correct
from bench.metrics.metric import Measured, NotMeasured

PASSES = 20  # over the samples
FEWEST, MOST = 10_000, 100_000  # training images
SAMPLES = 300  # fewer teach nothing
NETWORK = "resnet-xs"


def training_images(n: int) -> int:
    """How many training images the classifier of n samples sees."""
    return max(FEWEST, min(PASSES * n, MOST))


def accuracy_score(context: EvaluationContext) -> Measured:
    """The accuracy on the whole test split. Raises `NotMeasured` if samples are few, or most of them test images."""
    test = context.dataset.test
    if context.n < SAMPLES:
        raise NotMeasured(f"expected at least {SAMPLES} samples to train a classifier on, got {context.n}")
    if _share_of_copies(context.samples.images, test.images) > 0.5:
        raise NotMeasured("the samples are test images: a classifier trained on them would know the answers")
    classifier = context.fit_classifier(context.samples, training_images(context.n))
    logits = context.logits_of(classifier, test.images)
    return Measured(fraction_correct(logits, test.labels), len(test))


def _share_of_copies(images: Pixels, others: Pixels) -> float:
    known = {row.tobytes() for row in others.cpu().numpy()}
    return float(np.mean([row.tobytes() in known for row in images.cpu().numpy()]))
