"""The nearest-training ratio: every copy in the training set is found."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from bench.errors import BenchError
from bench.metrics.memorising import nearest_thumbnails, nearest_training_ratio, thumbnails

ratio = nearest_training_ratio("judge")


def test_unseen_real_images_have_ratio_one(make_context, toys):
    assert ratio(make_context(samples=toys.toy_images(60, 77))).value == pytest.approx(1, abs=0.35)


def test_the_test_images_themselves_have_ratio_one(make_context):
    context = make_context()
    assert ratio(make_context(samples=context.test)).value == pytest.approx(1)


def test_training_images_have_ratio_zero_also_outside_the_reference(make_context, dataset):
    context = make_context(reference=30, samples=dataset.train[100:160])
    assert ratio(context).value == 0
    assert len(context.real) == 30


def test_noise_is_farther_than_real_images(make_context, dataset):
    noise = torch.randint(0, 256, (60, 1, 16, 16), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    assert ratio(make_context(samples=replace(dataset.test[:60], images=noise))).value > 1.5


def test_test_images_that_are_all_in_the_training_set_are_an_error(make_context, dataset):
    leaked = replace(dataset, test=dataset.train[:90])
    with pytest.raises(BenchError, match="copies of training images"):
        ratio(make_context(dataset=leaked))


def test_nearest_thumbnails_are_the_nearest_of_all_blocks(monkeypatch, toys):
    monkeypatch.setattr("bench.metrics.memorising.BLOCK", 17)
    images, train = (thumbnails(toys.toy_images(n, n).images) for n in (20, 90))
    wanted = ((images[:, None].astype(float) - train[None].astype(float)) ** 2).sum(2).argmin(1)
    assert (nearest_thumbnails(images, train, torch.device("cpu")) == wanted).all()


def test_thumbnails_are_area_averages_of_sixteen_pixels_at_most():
    image = torch.zeros((1, 1, 32, 32), dtype=torch.uint8)
    image[..., :2, :2] = torch.tensor([[100, 200], [100, 0]], dtype=torch.uint8)
    thumb = thumbnails(image)
    assert thumb.shape == (1, 256)
    assert thumb[0, 0] == 100
    assert thumb[0, 1:].max() == 0
    small = torch.arange(64, dtype=torch.uint8).reshape(1, 1, 8, 8)
    assert np.array_equal(thumbnails(small)[0], np.arange(64))
