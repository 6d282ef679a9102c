"""The anchor rows `real` and `replay`: which images they draw, for any number of classes and any seed."""

import pytest
import torch

from bench.api import Data, Dataset, Spec
from bench.data import load
from bench.errors import BenchError
from bench.evaluation.anchors import real, replay
from bench.experiment.budget import BUDGETS

SIZES = [budget.samples for budget in BUDGETS.values()]


def numbered(*counts: int) -> Data:
    """So many images of each class, in class order; the two pixels of an image are its number, its label follows."""
    labels = torch.arange(len(counts)).repeat_interleave(torch.tensor(counts))
    number = torch.arange(len(labels))
    pixels = torch.stack([number // 256, number % 256, number * 0, number * 0], 1).view(-1, 1, 2, 2)
    return Data(Spec("numbered", 1, 2, tuple(map(str, range(len(counts))))), pixels.to(torch.uint8), labels)


def numbers(data: Data) -> list[int]:
    return (data.images[:, 0, 0, 0].int() * 256 + data.images[:, 0, 0, 1]).tolist()


def dataset(test: Data) -> Dataset:
    return Dataset(test.spec, test, test[:0], test, "digest")


@pytest.mark.parametrize("anchor", [real, replay])
@pytest.mark.parametrize("classes", [2, 3, 8, 10, 100])  # those of the built-in data sets
@pytest.mark.parametrize("n", SIZES)
def test_the_labels_are_those_that_methods_are_asked_for(anchor, classes, n):
    """Whatever the proportions of the data set, if each class has enough images."""
    enough = -(-n // classes)
    drawn = anchor(dataset(numbered(*(enough + 3 * label for label in range(classes)))), n, 0)
    assert torch.equal(drawn.labels, torch.arange(n) % classes)


@pytest.mark.parametrize("anchor", [real, replay])
def test_no_seed_leaves_a_class_of_digits_with_fewer_images_than_another_at_smoke(anchor):
    digits, n = load("digits"), BUDGETS["smoke"].samples
    for seed in range(50):
        assert anchor(digits, n, seed).labels.bincount(minlength=10).tolist() == [n // 10] * 10


def test_a_class_with_too_few_images_gives_all_and_the_others_share_the_rest():
    drawn = real(dataset(numbered(2, 50, 0, 50)), 41, 0)
    assert drawn.labels[:6].tolist() == [0, 1, 3, 0, 1, 3]
    assert drawn.labels.bincount(minlength=4).tolist() == [2, 20, 0, 19]


def test_each_image_has_its_own_label_and_comes_once():
    data = numbered(30, 500, 7)
    drawn = real(dataset(data), 400, 5)
    assert len(set(numbers(drawn))) == 400
    assert torch.equal(data.labels[numbers(drawn)], drawn.labels)


def test_all_images_are_drawn_if_as_many_are_asked_for():
    assert sorted(numbers(real(dataset(numbered(3, 20, 1)), 24, 0))) == list(range(24))


def test_the_images_follow_from_the_seed():
    data = dataset(numbered(300, 300))
    first, again, other = (numbers(real(data, 100, seed)) for seed in (3, 3, 4))
    assert first == again != other
    assert max(first) > 250  # not the first of each class


def test_more_images_than_there_are_is_an_error_with_both_counts():
    with pytest.raises(BenchError, match="expected at least 11 images in numbered, got 10; choose a smaller budget"):
        real(dataset(numbered(5, 5)), 11, 0)
