"""The anchor rows `real` and `replay`: which images they draw, for any number of classes and any seed."""

import pytest
import torch

from bench.api import Data, Dataset, Spec
from bench.data import load
from bench.errors import BenchError
from bench.evaluation.anchors import BLUR, SLIGHT, blur, real, replay, slight_noise
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


def squares(size: int, dark: int) -> Dataset:
    """A bright square in the middle of dark images, of half their side."""
    pixels, inner = torch.full((8, 1, size, size), dark, dtype=torch.uint8), slice(size // 4, -(size // 4))
    pixels[:, :, inner, inner] = 255 - dark
    return dataset(Data(Spec("squares", 1, size, ("one",)), pixels, torch.zeros(8, dtype=torch.int64)))


@pytest.mark.parametrize("size", [16, 32, 64])
def test_blur_softens_the_same_share_of_an_image_of_any_size(size: int):
    images = blur(squares(size, 0), 4, 0).images.double() / 255
    assert images.mean() == pytest.approx(0.25, abs=0.01)  # nothing is added or lost
    soft = ((images > 0.05) & (images < 0.95)).double().mean()
    assert soft == pytest.approx(2 * 3.29 * BLUR, rel=0.35)  # an outline of 2 sides; a normal step from 5 to 95 %


def test_slight_noise_has_its_deviation_and_no_mean():
    data = squares(64, 100)
    change = slight_noise(data, 8, 0).images.double() - real(data, 8, 0).images.double()
    assert change.std() == pytest.approx(SLIGHT, rel=0.05)
    assert change.mean() == pytest.approx(0, abs=0.5)


@pytest.mark.parametrize("anchor", [blur, slight_noise])
def test_damaged_images_are_those_of_real_with_their_labels(anchor):
    digits = load("digits")
    assert torch.equal(anchor(digits, 50, 3).labels, real(digits, 50, 3).labels)
    assert torch.equal(anchor(digits, 50, 3).images, anchor(digits, 50, 3).images)
    assert not torch.equal(anchor(digits, 50, 3).images, anchor(digits, 50, 4).images)
