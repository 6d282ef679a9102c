"""The guide that methods may use and the judge that scores them: published, or trained once and cached by content key."""

from dataclasses import dataclass
from pathlib import Path

import torch

from bench.api import Classifier, Data, Spec, to_float
from bench.freeze import freeze
from bench.published.cards import Card, load_published
from bench.training.classifier_spec import ClassifierSpec, Origin, Role
from bench.training.fit_once import new_network, restore_or_fit
from bench.training.no_classifier import NoClassifier
from bench.training_run import Progress

CHUNK = 500  # images evaluated at a time


@dataclass(frozen=True)
class FittedClassifier:
    """A trained, frozen classifier and what is known of it; without a name if the data set has no classes."""

    role: Role
    name: str
    classifier: Classifier
    digest: str  # SHA-256 of its weights
    accuracy: float  # on the test split
    origin: Origin

    @property
    def label(self) -> str:
        return f"{self.name}@{self.digest[:12]}" if self.name else ""


def no_classifier(role: Role, spec: Spec) -> FittedClassifier:
    """What a data set without classes has in place of a guide and a judge."""
    missing = NoClassifier(spec, f"{spec.name} has no classes, so there is no {role}")
    return FittedClassifier(role, "", missing, "", 0.0, "cached")


def load_or_fit(
    spec: ClassifierSpec[Classifier], cache: Path, progress: Progress, checkpoint_every: float = 30.0
) -> FittedClassifier:
    """The classifier of `spec`: as published, from the cache, or trained now. A second process that asks for it waits."""
    if spec.published:
        return _published(spec, spec.published)
    device = torch.device(spec.device.kind)

    def measure(model: Classifier) -> dict[str, float]:
        return {"accuracy": accuracy_of(model, spec.dataset.test, device)}

    model, known, cached = restore_or_fit(spec, cache, progress, measure, checkpoint_every)
    accuracy = known.scores["accuracy"]
    origin: Origin = "cached" if cached else "fitted"
    return FittedClassifier(spec.role, spec.name, freeze(model), known.digest, accuracy, origin)


def _published(spec: ClassifierSpec[Classifier], card: Card) -> FittedClassifier:
    model = new_network(spec)
    load_published(card, model)
    return FittedClassifier(spec.role, spec.name, freeze(model), card.weights, card.accuracy, "published")


def below_floor(role: Role, accuracy: float, floor: float | None, classes: int) -> str:
    """Why a classifier of this test accuracy is not reliable, or "".

    The default minimum is twice chance or, for two classes, halfway between chance and 1.
    """
    floor = min(2 / classes, (1 + 1 / classes) / 2) if floor is None else floor
    if accuracy >= floor:
        return ""
    what = "its scores are not reliable" if role == "judge" else "its guidance is close to random"
    return (
        f"the {role}'s test accuracy ({accuracy:.4f}) is below the required {floor:.4f}, so {what}; "
        f"use a larger --budget or another --{role}"
    )


@torch.inference_mode()
def accuracy_of(classifier: Classifier, data: Data, device: torch.device) -> float:
    """The fraction of `data` that the classifier labels correctly."""
    right = 0
    for start in range(0, len(data), CHUNK):
        images = to_float(data.images[start : start + CHUNK].to(device)).contiguous(memory_format=torch.channels_last)
        right += int((classifier.logits(images).argmax(1).cpu() == data.labels[start : start + CHUNK]).sum())
    return right / len(data)
