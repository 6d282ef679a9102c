"""Accuracy of the judge and of a method's own classifier, from perfect to chance."""

import pytest
import torch

from bench.api import Data
from bench.metrics import agreement, draw_samples


@pytest.fixture
def painted(toys) -> Data:
    return draw_samples(toys.Painter(), 90, 0, "cpu")[0]


def test_samples_that_show_their_label_agree(make_context, painted):
    measured = agreement.class_agreement(make_context(samples=painted, n=90))
    assert (measured.value, measured.n) == (1.0, 90)


def test_shuffled_labels_agree_by_chance(make_context, painted):
    shuffled = Data(painted.spec, painted.images, painted.labels[torch.randperm(90, generator=torch.Generator())])
    assert agreement.class_agreement(make_context(samples=shuffled, n=90)).value == pytest.approx(1 / 3, abs=0.15)


def test_labels_turned_by_one_never_agree(make_context, painted):
    turned = Data(painted.spec, painted.images, (painted.labels + 1) % 3)
    assert agreement.class_agreement(make_context(samples=turned, n=90)).value == 0


def test_a_model_that_only_fools_itself_has_a_hacking_gap_of_one(make_context, painted, toys):
    turned = Data(painted.spec, painted.images, (painted.labels + 1) % 3)
    model = toys.Painter(own=toys.Thirds(turn=1))
    measured = agreement.hacking_gap(make_context(model=model, samples=turned, n=90))
    assert (measured.value, measured.parts) == (1.0, {"self": 1.0})


def test_a_model_that_agrees_with_the_judge_has_no_hacking_gap(make_context, painted, toys):
    measured = agreement.hacking_gap(make_context(model=toys.Painter(), samples=painted, n=90))
    assert (measured.value, measured.parts["self"]) == (0.0, 1.0)


def test_accuracy_is_the_models_own_on_real_images(make_context, toys):
    assert agreement.accuracy(make_context(model=toys.Painter())).value == 1
    assert agreement.accuracy(make_context(model=toys.Painter(own=toys.Thirds(turn=1)))).value == 0
