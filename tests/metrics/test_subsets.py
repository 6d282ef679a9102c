"""The fixed subsets: stratified, the same each time, balanced in every slice, never smaller than requested."""

import pytest
import torch

from bench.api import Data, Spec
from bench.errors import BenchError
from bench.metrics.subsets import stratified

SPEC = Spec("uneven", 1, 2, ("a", "b", "c", "never"))


@pytest.fixture
def uneven() -> Data:
    labels = torch.cat([torch.full((n,), k) for k, n in enumerate((600, 300, 100))])
    images = torch.arange(1000).reshape(-1, 1, 1, 1).expand(-1, 1, 2, 2) % 256
    return Data(SPEC, images.to(torch.uint8), labels)


def test_classes_keep_their_proportions_by_largest_remainder(uneven):
    assert stratified(uneven, 100, "n").labels.bincount(minlength=4).tolist() == [60, 30, 10, 0]
    assert stratified(uneven, 7, "n").labels.bincount(minlength=4).tolist() == [4, 2, 1, 0]


def test_any_slice_is_about_as_balanced(uneven):
    labels = stratified(uneven, 500, "n").labels
    for start in (0, 100, 250):
        counts = labels[start : start + 100].bincount(minlength=3)
        assert (counts - torch.tensor([60, 30, 10])).abs().max() <= 1


def test_it_is_the_same_each_time_whatever_the_global_seed(uneven):
    torch.manual_seed(1)
    first = stratified(uneven, 50, "n")
    torch.manual_seed(2)
    assert torch.equal(stratified(uneven, 50, "n").images, first.images)
    assert not torch.equal(stratified(uneven, 50, "reference").images, first.images)


def test_no_image_is_repeated_and_a_subset_of_all_images_has_them_all(uneven):
    spread = Data(SPEC, torch.arange(250, dtype=torch.uint8).reshape(-1, 1, 1, 1), torch.arange(250) % 3)
    assert sorted(stratified(spread, 250, "n").images.flatten().tolist()) == list(range(250))


def test_too_few_images_are_an_error_with_both_counts(uneven):
    with pytest.raises(
        BenchError, match="expected at least reference=1001 images in this split of uneven, got 1000; set reference"
    ):
        stratified(uneven, 1001, "reference")
