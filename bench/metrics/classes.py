"""Classes as metrics need them: names fit for a row, and enough images of each."""

import re

from bench.errors import BenchError
from bench.metrics.exam import Exam


def class_names(classes: tuple[str, ...]) -> list[str]:
    """Class names in kebab-case, as parts of a metric; their numbers where two would be the same or one empty."""
    names = [re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") for name in classes]
    unique = len(set(names)) == len(names) and all(names)
    return names if unique else [f"class-{label}" for label in range(len(classes))]


def require_two(name: str, samples: int, real: int, exam: Exam) -> None:
    """Raises `BenchError` where a class has less than two samples or two reference images."""
    if min(samples, real) < 2:
        raise BenchError(
            f"class {name!r} has {samples} of n={exam.n} samples and {real} of reference={exam.reference} training "
            "images, wanted 2 of each: choose a larger budget"
        )
