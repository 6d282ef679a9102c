"""What identifies a guide, a judge or a probe: one value for its content key and for its training."""

from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from typing import Any, Generic, Literal, TypeVar

import torch

from bench.api import Classifier, Dataset, Model
from bench.config import build, to_dict
from bench.errors import BenchError
from bench.experiment.budget import Budget
from bench.experiment.device import Device
from bench.experiment.keys import TRAINING_VERSION, content_key
from bench.experiment.request import ClassifierRef
from bench.published.cards import Card, find_card
from bench.registry.limits import limit_of
from bench.registry.plugins import Plugins, source_modules
from bench.registry.sources import source_digest
from bench.training_run import derive_seed

Role = Literal["guide", "judge", "probe"]
Origin = Literal["fitted", "cached", "published"]  # of weights
NEUTRAL = ("Config", "source", "paper_epochs", "_abc_impl")  # attributes of a class that do not change its networks
M = TypeVar("M", bound=Model)


@dataclass(frozen=True, eq=False)
class ClassifierSpec(Generic[M]):
    """Everything that decides the weights of a guide, a judge or a probe."""

    role: Role
    name: str  # as asked for, e.g. timm:resnet18
    target: type[M]
    config: Any  # an instance of `target.Config`
    dataset: Dataset
    images: int  # training images
    device: Device
    published: Card | None = None  # of the weights to use instead of a training
    fitted_elsewhere: str = ""  # the key under which another environment has put its weights into the cache

    @cached_property
    def key(self) -> str:
        """The content key, known before the network is trained."""
        if self.fitted_elsewhere:
            return self.fitted_elsewhere
        if self.published:
            return content_key({"role": self.role, "weights": self.published.weights})
        device = torch.device(self.device.kind)
        parts = {
            "role": self.role,
            "source": [source_digest(module) for module in source_modules(self.target)],
            "class": self.target.__qualname__,
            "config": to_dict(self.config),
            "data": self.dataset.digest,
            "images": self.images,
            "device": device.type,
            "threads": self.device.threads if device.type == "cpu" else 0,
            "precision": self.device.precision,
            "torch": torch.__version__,
            "timm": version("timm"),
            "training": TRAINING_VERSION,
        }
        return content_key(parts)

    def seed(self, purpose: str) -> int:
        """The seed of the initial weights ("init") or of the training ("train")."""
        return derive_seed(self.role, purpose)


def resolve_network(ref: ClassifierRef, plugins: Plugins) -> tuple[type[Classifier], Any]:
    """The class that `ref` names and its config. Raises `BenchError` for an unknown name or setting."""
    entry = plugins.find("classifiers", ref.base, str(ref))
    return entry.target, build(entry.target.Config, ref.settings, entry.name)


def identity(target: type[Classifier], config: Any) -> tuple[type, dict[str, Any]]:
    """What two names of one network have in common: the class that defines it, and its settings in one case.

    A class that only changes the defaults of another one, such as a preset, defines nothing.
    """
    settings = {name: value.casefold() if isinstance(value, str) else value for name, value in to_dict(config).items()}
    return next(base for base in target.__mro__ if not _is_preset(base)), settings


def _is_preset(target: type) -> bool:
    """Whether the body of a class holds defaults and texts alone."""
    own = {name: value for name, value in vars(target).items() if name not in NEUTRAL}
    return all(name.startswith("__") and not callable(value) for name, value in own.items())


def resolve_classifier(
    role: Role, ref: ClassifierRef, plugins: Plugins, dataset: Dataset, budget: Budget, device: Device
) -> ClassifierSpec[Classifier]:
    """The classifier that `ref` names, for `dataset`: published weights if there are any and `ref` does not refuse them.

    Raises `BenchError` for an unknown name or setting, and for a classifier that is not for these images.
    """
    target, config = resolve_network(ref, plugins)
    if reason := limit_of(target, config, dataset.spec):
        raise BenchError(f"--{role}: {str(ref)!r} is not for {dataset.spec.name}: {reason}")
    return ClassifierSpec(
        role=role,
        name=str(ref),
        target=target,
        config=config,
        dataset=dataset,
        images=budget.images_for_classifier(len(dataset.train)),
        device=device,
        published=None if ref.fresh or ref.argument else find_card(ref.base, dataset.digest),
    )
