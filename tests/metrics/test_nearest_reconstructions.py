"""Mixing of neighbours is seen although all images of a method are blurred."""

from dataclasses import replace

import pytest
import torch
from torch.nn import functional as F

from bench.metrics import METRICS, nearest_reconstructions
from bench.metrics.memorising import nearest_training_ratio
from bench.metrics.metric import NotMeasured
from bench.metrics.nearest_reconstructions import nearest_reconstruction_ratio as ratio
from bench.metrics.scale import Scale


@pytest.fixture(autouse=True)
def of_the_whole_training_set(monkeypatch):
    """As if 60 samples were many."""
    monkeypatch.setattr(nearest_reconstructions, "SMALL", 60)


@pytest.fixture
def blurring(toys):
    """A method that reconstructs images as averages of squares of 8 pixels."""

    class Blurring(toys.Painter):
        def reconstruct(self, images):
            return blurred(images)

    return Blurring()


def blurred(images):
    return F.interpolate(F.avg_pool2d(images, 8), scale_factor=8.0)


def decoded(data):
    """Images as `Blurring` would reconstruct them."""
    return replace(data, images=blurred(data.images.float()).round().byte())


def test_reconstructions_of_training_images_have_ratio_zero(make_context, dataset, blurring):
    context = make_context(model=blurring, samples=decoded(dataset.train[100:160]))
    assert ratio(context).value == pytest.approx(0, abs=0.02)


def test_reconstructions_of_the_test_images_have_ratio_one(make_context, blurring):
    samples = decoded(make_context().test)
    assert ratio(make_context(model=blurring, samples=samples)).value == pytest.approx(1, abs=0.02)


def test_reconstructions_of_unseen_images_have_a_ratio_near_one(make_context, toys, blurring):
    samples = decoded(toys.toy_images(60, 77))
    assert ratio(make_context(model=blurring, samples=samples)).value == pytest.approx(1, abs=0.3)


def test_a_copy_that_is_blurred_is_far_from_real_images_and_at_its_own_reconstruction(make_context, dataset, blurring):
    context = make_context(model=blurring, samples=decoded(dataset.train[100:160]))
    assert nearest_training_ratio("judge")(context).value > 10 * ratio(context).value


def test_mixtures_of_neighbours_lie_nearer_than_unseen_images(make_context, dataset, blurring):
    """A sample half way between the reconstructions of a training image and of the one nearest to it."""
    images = decoded(dataset.train).images.float()
    apart = torch.cdist(images[:60].flatten(1), images.flatten(1))
    mixed = (images[:60] + images[apart.topk(2, largest=False).indices[:, 1]]) / 2
    samples = replace(dataset.train[:60], images=mixed.round().byte())
    assert ratio(make_context(model=blurring, samples=samples)).value < 0.7


def test_noise_is_farther_than_unseen_images(make_context, dataset, blurring):
    noise = torch.randint(0, 256, (60, 1, 16, 16), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    assert ratio(make_context(model=blurring, samples=replace(dataset.test[:60], images=noise))).value > 3


def test_images_twice_as_far_as_unseen_ones_have_ratio_two(make_context, dataset, toys):
    """Black training images, test images at level 10, samples at level 20, and perfect reconstructions."""

    class Perfect(toys.Painter):
        def reconstruct(self, images):
            return images

    def level(data, value):
        return replace(data, images=torch.full_like(data.images, value))

    known = replace(dataset, train=level(dataset.train, 0), test=level(dataset.test, 10))
    context = make_context(model=Perfect(), dataset=known, samples=level(dataset.test[:60], 20))
    assert ratio(context).value == pytest.approx(2)


def test_a_method_that_reconstructs_everything_alike_has_a_dash(make_context, toys):
    class Constant(toys.Painter):
        def reconstruct(self, images):
            return torch.full_like(images, 0.5)

    with pytest.raises(NotMeasured, match="have the same reconstructions"):
        ratio(make_context(model=Constant()))


def test_few_samples_are_compared_with_the_reference_images_alone(monkeypatch, make_context, dataset, blurring):
    monkeypatch.setattr(nearest_reconstructions, "SMALL", 200)
    inside, outside = make_context(reference=30).real, decoded(dataset.train[100:160])
    assert ratio(make_context(model=blurring, reference=30, samples=decoded(inside), n=30)).value < 0.05
    assert ratio(make_context(model=blurring, reference=30, samples=outside)).value > 0.5


def test_blocks_of_training_images_change_nothing(monkeypatch, make_context, toys, blurring):
    context = make_context(model=blurring, samples=decoded(toys.toy_images(60, 77)))
    expected = ratio(context).value
    monkeypatch.setattr(nearest_reconstructions, "BLOCK", 17)
    assert ratio(context).value == pytest.approx(expected)


def test_the_protocol_states_the_training_images(monkeypatch):
    monkeypatch.setattr(nearest_reconstructions, "SMALL", 200)
    metric = next(metric for metric in METRICS if metric.name == "nearest-reconstruction-ratio")
    assert metric.protocol(Scale(2000, 5000, 40_000)) == "nearest-reconstruction-ratio:n=250,train=40000:v1"
    assert metric.protocol(Scale(100, 500, 40_000)) == "nearest-reconstruction-ratio:n=100,train=500:v1"
