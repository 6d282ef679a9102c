"""The classifier as a method: the guide's network, trained on the method's budget, with a dash for images."""

import torch

from bench import Classifier, Generator, ResNetTiny, Spec
from bench.metrics import METRICS
from bench_baselines import PlainClassifier, PlainConfig, bench_generators

SPEC = Spec("tiny", 1, 8, ("a", "b"))


def test_it_is_the_network_of_the_default_guide() -> None:
    """Same architecture and settings: with the same first weights they say the same."""
    ours, guide = PlainClassifier(PlainConfig(), SPEC).eval(), ResNetTiny(ResNetTiny.Config(), SPEC).eval()
    guide.load_state_dict(ours.state_dict())
    images = torch.rand(3, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    assert torch.equal(ours.logits(images), guide.logits(images))


def test_it_is_measured_as_a_classifier_and_has_a_reason_for_each_dash() -> None:
    model = PlainClassifier(PlainConfig(), SPEC)
    reasons = {metric.name: metric.missing(model, False) for metric in METRICS}
    measured = {name for name, reason in reasons.items() if not reason}
    costs = {"train-images", "train-seconds", "images-per-second", "peak-memory-mb", "parameters"}
    assert measured == {"accuracy", "accuracy-all", "ece", "ece-adaptive", "nll", "brier", *costs}
    assert reasons["fd-lite0"] == "PlainClassifier is a classifier, which draws no images"


def test_it_is_the_only_entry_that_draws_nothing() -> None:
    entries = bench_generators()
    assert [name for name, target in entries.items() if issubclass(target, Classifier)] == ["classifier"]
    assert all(issubclass(target, Generator) for name, target in entries.items() if name != "classifier")
