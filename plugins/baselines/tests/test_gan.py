"""GANs without and with labels, on real digits: what they are given, what they draw, and what they refuse."""

from typing import Any

import pytest
import torch

from bench import Data
from bench.api import capabilities
from bench.parts.adversarial import GanConfig
from bench.testing.fixtures import Judge, fitted, fraction_correct
from bench_baselines import ConditionalGan, PlainGan

SMALL = GanConfig(width=8, nuisance_dim=8)


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def cgan(train: Data) -> Any:
    return fitted(ConditionalGan, SMALL, train, 32_000)


def test_one_has_no_labels_and_the_other_mixes_them() -> None:
    assert capabilities(PlainGan) == ("CodeConditional",)
    assert capabilities(ConditionalGan) == ("ClassConditional", "ClassMixing", "CodeConditional")


def test_the_codes_of_a_gan_are_its_whole_input(train: Data) -> None:
    model = fitted(PlainGan, SMALL, train, 640)
    codes = model.draw_codes(4, rng())
    assert codes.shape == (4, 8)
    assert torch.equal(model.decode(codes, rng(1)), model.decode(codes, rng(2)))
    assert torch.equal(model.sample(4, rng()), model.decode(codes, rng()))


def test_most_images_show_the_class_that_was_asked_for(cgan: ConditionalGan, train: Data) -> None:
    labels = torch.arange(10).repeat(30)
    assert fraction_correct(Judge(train)(cgan.sample_class(labels, rng())), labels) > 0.8


def test_a_pure_mixture_is_a_class(cgan: ConditionalGan) -> None:
    labels = torch.arange(10)
    assert torch.equal(cgan.sample_mixture(torch.eye(10), rng()), cgan.sample_class(labels, rng()))


def test_classes_are_drawn_as_often_as_they_are_in_the_training_set(train: Data) -> None:
    of_two = train[train.labels < 2]
    model = fitted(ConditionalGan, SMALL, of_two, 640)
    shares = model.draw_codes(2_000, rng())[:, 8:].mean(0)
    expected = torch.bincount(of_two.labels, minlength=10) / len(of_two)
    torch.testing.assert_close(shares, expected, atol=0.04, rtol=0)


def test_a_gan_without_any_input_is_refused(train: Data) -> None:
    with pytest.raises(ValueError, match="nuisance_dim must be at least 1"):
        PlainGan(GanConfig(nuisance_dim=0), train.spec)
