"""The classification accuracy score: what samples teach a classifier that has seen nothing else."""

from dataclasses import replace

import pytest
import torch

from bench.metrics import accuracy_score as module
from bench.metrics.accuracy_score import FEWEST, MOST, accuracy_score, training_images
from bench.metrics.metric import NotMeasured


@pytest.fixture(autouse=True)
def sixty_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SAMPLES", 60)


def test_training_images_teach_the_classes(make_context, dataset):
    measured = accuracy_score(make_context(samples=dataset.train[:60]))
    assert (measured.value, measured.n) == (1.0, len(dataset.test))


def test_labels_turned_by_one_teach_what_is_wrong(make_context, dataset):
    turned = replace(dataset.train[:60], labels=(dataset.train.labels[:60] + 1) % 3)
    assert accuracy_score(make_context(samples=turned)).value == 0


def test_labels_at_random_teach_nothing(make_context, dataset):
    labels = torch.arange(60) % 3  # of images in another random order
    assert accuracy_score(make_context(samples=replace(dataset.train[:60], labels=labels))).value < 0.9


def test_test_images_are_not_measured(make_context):
    with pytest.raises(NotMeasured, match="would know the answers"):
        accuracy_score(make_context())


def test_the_classifier_sees_twenty_passes_within_limits():
    assert training_images(100) == FEWEST
    assert training_images(2_000) == 40_000
    assert training_images(50_000) == MOST


def test_few_samples_are_not_measured(make_context, dataset):
    with pytest.raises(NotMeasured, match="at least 60 samples to train a classifier on, got 59"):
        accuracy_score(make_context(samples=dataset.train[:59], n=59))
