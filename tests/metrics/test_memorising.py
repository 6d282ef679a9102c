"""Measures of memorising: every copy in the training set is found."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from bench.errors import BenchError
from bench.metrics.memorising import authenticity, copying, nearer, nearest_training_ratio
from bench.metrics.metric import NotMeasured
from bench.metrics.nearest_images import nearest_thumbnails, thumbnails, to_another

ratio = nearest_training_ratio("judge")
copied = copying("judge")
authentic = authenticity("judge")
CPU = torch.device("cpu")


def test_unseen_real_images_have_ratio_one(make_context, toys):
    assert ratio(make_context(samples=toys.toy_images(60, 77))).value == pytest.approx(1, abs=0.35)


def test_the_test_images_themselves_have_ratio_one(make_context):
    context = make_context()
    assert ratio(make_context(samples=context.test)).value == pytest.approx(1)


def test_training_images_have_ratio_zero_also_outside_the_reference(make_context, dataset):
    context = make_context(reference=30, samples=dataset.train[100:160])
    assert ratio(context).value == 0
    assert len(context.real) == 30


def test_unseen_images_are_nearer_than_unseen_images_half_of_the_time(make_context, toys):
    context = make_context()
    assert copied(make_context(samples=context.test)).value == 0.5
    assert copied(make_context(samples=toys.toy_images(60, 77))).value == pytest.approx(0.5, abs=0.2)


def test_training_images_are_always_nearer_also_outside_the_reference(make_context, dataset):
    measured = copied(make_context(reference=30, samples=dataset.train[100:160]))
    assert measured.value == 1
    assert measured.parts["z"] > 5


def test_the_statistic_of_copying_is_that_of_mann_and_whitney(make_context, toys):
    from scipy.stats import mannwhitneyu

    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 9, 50).astype(float), rng.integers(2, 9, 70).astype(float)
    assert nearer(x, y) == pytest.approx(mannwhitneyu(y, x).statistic / (50 * 70))
    measured = copied(make_context(samples=toys.toy_images(60, 77)))
    assert measured.parts["z"] == pytest.approx((measured.value - 0.5) / np.sqrt((60 + 60 + 1) / (12 * 60 * 60)))


def test_copies_are_not_authentic(make_context, dataset):
    assert authentic(make_context(reference=30, samples=dataset.train[100:160])).value == 0


def test_noise_is_authentic(make_context, dataset):
    noise = torch.randint(0, 256, (60, 1, 16, 16), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    assert authentic(make_context(samples=replace(dataset.test[:60], images=noise))).value == 1


def test_unseen_real_images_are_authentic_about_half_of_the_time(make_context, toys):
    assert 0.2 < authentic(make_context(samples=toys.toy_images(60, 77))).value < 0.9


def test_equal_training_images_have_no_neighbour_to_compare_with(make_context, dataset):
    train = replace(dataset.train, images=dataset.train.images[:1].expand_as(dataset.train.images).clone())
    with pytest.raises(NotMeasured, match="all reference images are equal"):
        authentic(make_context(dataset=replace(dataset, train=train)))


def test_the_nearest_other_row_is_one_that_differs(monkeypatch):
    rng = np.random.default_rng(0)
    y = rng.normal(size=(40, 6)).astype(np.float32)
    y[:20] = y[0]  # more copies than are looked at first
    x = np.concatenate([y[:3], rng.normal(size=(5, 6)).astype(np.float32)])
    squares = ((x[:, None].astype(float) - y[None]) ** 2).sum(2)
    wanted = np.sqrt(np.where(squares > 0, squares, np.inf).min(1))
    assert to_another(x, y, CPU) == pytest.approx(wanted)
    assert np.isinf(to_another(x[:1], y[:20], CPU)).all()


def test_noise_is_farther_than_real_images(make_context, dataset):
    noise = torch.randint(0, 256, (60, 1, 16, 16), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    assert ratio(make_context(samples=replace(dataset.test[:60], images=noise))).value > 1.5


def test_test_images_that_are_all_in_the_training_set_are_an_error(make_context, dataset):
    leaked = replace(dataset, test=dataset.train[:90])
    with pytest.raises(BenchError, match="copies of training images"):
        ratio(make_context(dataset=leaked))


def test_nearest_thumbnails_are_the_nearest_of_all_blocks(monkeypatch, toys):
    monkeypatch.setattr("bench.metrics.nearest_images.BLOCK", 17)
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
