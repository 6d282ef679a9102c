"""Classes as metrics need them: names fit for a row, and enough images of each."""

import re

from bench.errors import BenchError
from bench.metrics.exam import Exam


def class_names(classes: tuple[str, ...]) -> list[str]:
    """Class names in kebab-case, as parts of a metric; their numbers where two would be the same or one empty."""
    names = [re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") for name in classes]
    unique = len(set(names)) == len(names) and all(names)
    return names if unique else [f"class-{label}" for label in range(len(classes))]


def too_few(exam: Exam) -> str:
    """Why this exam cannot compare images within each class: "", or the first class without two samples and two
    reference images. That follows from the data set, n and the reference, and is the same for every seed.
    """
    counts = (data.labels.cpu().bincount(minlength=len(exam.spec.classes)) for data in (exam.samples, exam.real))
    for name, samples, real in zip(exam.spec.classes, *(it.tolist() for it in counts), strict=True):
        if min(samples, real) < 2:
            return (
                f"class {name!r} has {samples} of n={exam.n} samples and {real} of reference={exam.reference} "
                "training images, expected at least 2 of each: choose a larger budget or data with more images of it"
            )
    return ""


def require_two(exam: Exam) -> None:
    """Raises `BenchError` if a class has fewer than two samples or two reference images."""
    if reason := too_few(exam):
        raise BenchError(reason)
