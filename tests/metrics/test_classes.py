"""Class names as parts of a metric."""

import pytest

from bench.metrics.classes import class_names


@pytest.mark.parametrize(
    ("classes", "names"),
    [
        (("T-shirt/top", "Ankle boot", "0"), ["t-shirt-top", "ankle-boot", "0"]),
        (("a b", "a-b"), ["class-0", "class-1"]),
        (("ж", "x"), ["class-0", "class-1"]),
    ],
)
def test_names_are_kebab_case_or_numbers_if_they_would_be_equal(classes, names):
    assert class_names(classes) == names
