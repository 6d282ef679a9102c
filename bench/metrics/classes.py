"""Class names for the parts of a metric, and the minimum number of images per class."""

import re

from bench.errors import BenchError
from bench.metrics.context import EvaluationContext


def class_names(classes: tuple[str, ...]) -> list[str]:
    """Class names in kebab-case, as parts of a metric; `class-0`, `class-1`, ... if two would be equal or one empty."""
    names = [re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") for name in classes]
    unique = len(set(names)) == len(names) and all(names)
    return names if unique else [f"class-{label}" for label in range(len(classes))]


def require_two(name: str, samples: int, real: int, context: EvaluationContext) -> None:
    """Raises `BenchError` if a class has fewer than two samples or fewer than two reference images."""
    if min(samples, real) < 2:
        raise BenchError(
            f"class {name!r}: expected at least 2 samples and 2 training images, got {samples} of n={context.n} samples "
            f"and {real} of reference={context.reference} images; choose a larger budget"
        )
