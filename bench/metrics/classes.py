"""Class names for the parts of a metric, and the minimum number of images per class."""

import re

from bench.metrics.context import EvaluationContext
from bench.metrics.metric import NotMeasured


def class_names(classes: tuple[str, ...]) -> list[str]:
    """Class names in kebab-case, as parts of a metric; `class-0`, `class-1`, ... if two would be equal or one empty."""
    names = [re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") for name in classes]
    unique = len(set(names)) == len(names) and all(names)
    return names if unique else [f"class-{label}" for label in range(len(classes))]


def require_two(context: EvaluationContext) -> None:
    """Raises `NotMeasured` if a class has fewer than two samples or two reference images.

    This follows from the data set, n and the reference, and is the same for every seed.
    """
    counts = (
        data.labels.cpu().bincount(minlength=len(context.spec.classes)) for data in (context.samples, context.real)
    )
    for name, samples, real in zip(context.spec.classes, *(it.tolist() for it in counts), strict=True):
        if min(samples, real) < 2:
            raise NotMeasured(
                f"class {name!r}: expected at least 2 samples and 2 training images, got {samples} of n={context.n} "
                f"samples and {real} of reference={context.reference} images"
            )
