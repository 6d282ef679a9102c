"""Class names as parts of a metric, and classes with too few images for one."""

import pytest
import torch

from bench.api import Data
from bench.metrics.classes import class_names, require_two
from bench.metrics.metric import NotMeasured


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


def test_one_reference_image_of_a_class_is_too_few(make_context, dataset):
    context = make_context()
    right = (context.real.labels == 2).nonzero()[1:, 0]
    keep = torch.ones(len(context.real), dtype=torch.bool)
    keep[right] = False
    context.real = Data(dataset.spec, context.real.images[keep], context.real.labels[keep])
    with pytest.raises(NotMeasured, match="samples and 1 of reference=150 images"):
        require_two(context)
