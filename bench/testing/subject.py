"""Subjects of the checks: a plugin's class with the results that several checks share, computed once."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor

from bench.api import (
    Classifier,
    Dataset,
    DataSource,
    Images,
    Labels,
    Model,
    Rendering,
    Spec,
    capabilities,
    to_float,
)
from bench.registry.limits import limit_of
from bench.testing.data import TRAIN, tiny_dataset, tiny_spec
from bench.testing.guide import tiny_guide
from bench.testing.promise import Skipped, describe, require
from bench.testing.time_limit import TookTooLong
from bench.testing.watch import Watched, WatchedRun, watching
from bench.training_run import Precision, derive_seed, generator
from bench.util.hashing import tensor_digest

FORMATS = ((3, 32), (1, 28), (1, 32), (3, 28), (3, 64), (1, 64), (1, 16), (3, 16), (1, 8), (3, 128))  # channels, pixels
BUDGET = 768  # training images of a fit: three batches of 256
SEED = 0
BATCH = 7  # images per call

Draw = Callable[[torch.Generator], Tensor]


@dataclass(frozen=True)
class Fitted:
    """A fitted model, and what was observed during the fit."""

    model: Any  # a Generator or a Classifier
    run: WatchedRun
    watched: Watched
    data_changed: bool
    guide_changed: bool


class ModelSubject(ABC):
    """A class of models, fitted to the tiny data set on first use."""

    def __init__(self, target: type[Model], device: torch.device | str = "cpu") -> None:
        self.target, self.device = target, torch.device(device)
        self.capabilities = capabilities(target)
        self.options = {"device": str(device)}

    @abstractmethod
    def guide(self, dataset: Dataset) -> Classifier | None:
        """The guide of a fit on this data set, or None."""

    @abstractmethod
    def outputs(self, model: Any) -> dict[str, Tensor]:
        """The results of every method of the model, by name, with the same arguments each time."""

    @property
    def pretrained(self) -> bool:
        """Whether it is a classifier whose weights come with its plugin."""
        return bool(getattr(self.target, "pretrained", False))

    def limit(self, spec: Spec) -> str:
        """Why the model says that it is not for such images, or ""."""
        return limit_of(self.target, self.target.Config(), spec)

    @cached_property
    def dataset(self) -> Dataset:
        """Images that the model is for, of the first possible of `FORMATS`. Raises `Skipped` if there are none."""
        found = next((format for format in FORMATS if not self.limit(tiny_spec(*format))), None)
        if found is None:
            raise Skipped(f"it is for no images of these tests: {self.limit(tiny_spec(*FORMATS[0]))}")
        return tiny_dataset(*found)

    def tiny_dataset(self, channels: int, size: int, train: int = TRAIN) -> Dataset:
        """Another tiny data set. Raises `Skipped` if the model says that it is not for its images."""
        if reason := self.limit(tiny_spec(channels, size)):
            raise Skipped(reason)
        return tiny_dataset(channels, size, train)

    @cached_property
    def images(self) -> Images:
        """Seven test images in [0, 1], (7, c, h, w), on the device."""
        return to_float(self.dataset.test.images[:BATCH].to(self.device))

    @property
    def labels(self) -> Labels:
        """Seven labels, (7,), with every class."""
        return torch.arange(BATCH, device=self.device) % len(self.dataset.spec.classes)

    def rng(self, seed: int = 1) -> torch.Generator:
        """A random generator as the host passes it to sampling methods."""
        return generator(self.device, "sample", seed)

    def fresh(self, spec: Spec | None = None) -> Any:
        """A new model on the device."""
        model = self.target(self.target.Config(), spec or self.dataset.spec)
        return model.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]

    def fit(
        self,
        dataset: Dataset | None = None,
        *,
        images: int = BUDGET,
        stop_after: int | None = None,
        folder: Path | None = None,
        checkpoint_every: float = 30.0,
        precision: Precision = "float32",
    ) -> Fitted:
        """Construct and fit a model as the host does, from the same seed each time."""
        dataset = dataset or self.dataset
        guide = self.guide(dataset) if dataset.spec.has_classes else None
        before = _data_digest(dataset), _model_state(guide)
        with watching() as watched:
            torch.manual_seed(derive_seed(SEED, "model"))
            model = self.fresh(dataset.spec)
            run = WatchedRun(
                model, images=images, seed=SEED, device=self.device, precision=precision, guide=guide,
                validation=dataset.validation, folder=folder, checkpoint_every=checkpoint_every,
            )  # fmt: skip
            run.stop_after = stop_after
            model.fit(dataset.train, run)
        model.eval()
        after = _data_digest(dataset), _model_state(guide)
        return Fitted(model, run, watched, data_changed=before[0] != after[0], guide_changed=before[1] != after[1])

    @cached_property
    def attempt(self) -> "Fitted | BaseException":
        """The fit that all checks share, or the exception that it raised."""
        try:
            return self.fit()
        except Skipped:
            raise
        except (Exception, SystemExit, TookTooLong) as error:
            return error

    @property
    def fitted(self) -> Fitted:
        """The successful fit that all checks share. Raises `Skipped` if the fit failed."""
        if isinstance(self.attempt, BaseException):
            raise Skipped(f"its fit failed: {describe(self.attempt)}")
        return self.attempt

    @property
    def model(self) -> Any:
        return self.fitted.model

    def reloaded(self) -> Any:
        """A new model with the state of the fitted one, saved to and loaded from safetensors."""
        state = {name: tensor.detach().cpu().contiguous() for name, tensor in self.model.state_dict().items()}
        with watching():
            torch.manual_seed(derive_seed(SEED, "another start"))
            model = self.fresh()
            model.load_state_dict(safetensors.torch.load(safetensors.torch.save(state)), strict=True)
        return model.eval()

    def digests(self) -> dict[str, str]:
        """A digest of the state of the fitted model, and of each of its results."""
        results = {name: tensor_digest([result]) for name, result in self.outputs(self.model).items()}
        return {"the state dict": tensor_digest(self.model.state_dict())} | results

    def equal(self, first: Tensor, second: Tensor) -> bool:
        """Exact equality on the CPU; elsewhere to 1e-3 of the largest value, because the order of sums may change."""
        if self.device.type == "cpu" or first.shape != second.shape:
            return torch.equal(first, second)
        return bool((first - second).abs().max() <= 1e-3 * second.abs().max().clamp(min=1))

    def require_same(self, first: dict[str, Tensor], second: dict[str, Tensor], what: str, hint: str = "") -> None:
        """Require equality, name by name; `hint` ends the message of a difference."""
        require(
            first.keys() == second.keys(),
            f"{what}: expected the same names, got only once: {sorted(first.keys() ^ second.keys())}",
        )
        differ = [name for name in first if not self.equal(first[name], second[name])]
        require(not differ, f"{what}: {', '.join(differ[:3])} differ{'s' if len(differ) == 1 else ''}{hint}")


class GeneratorSubject(ModelSubject):
    """A class of generators, with the guide of its fit."""

    def __init__(self, target: type[Model], device: torch.device | str = "cpu") -> None:
        super().__init__(target, device)
        self._guides: dict[str, Classifier] = {}

    def guide(self, dataset: Dataset) -> Classifier:
        """A tiny classifier fitted to the data set, frozen."""
        if dataset.digest not in self._guides:
            self._guides[dataset.digest] = tiny_guide(dataset, self.device)
        return self._guides[dataset.digest]

    def draws(self, model: Any, n: int = BATCH) -> dict[str, Draw]:
        """Every method that draws n images, by name."""
        labels = torch.arange(n, device=self.device) % len(self.dataset.spec.classes)
        draws: dict[str, Draw] = {"sample": lambda rng: model.sample(n, rng)}
        if "ClassConditional" in self.capabilities:
            draws["sample_class"] = lambda rng: model.sample_class(labels.clone(), rng)
        if "ClassMixing" in self.capabilities:
            draws["sample_mixture"] = lambda rng: model.sample_mixture(self.mixtures(labels), rng)
        if "CodeConditional" in self.capabilities:
            draws["decode"] = lambda rng: model.decode(model.draw_codes(n, self.rng(2)), rng)
        return draws

    def answers(self, model: Any) -> dict[str, Callable[[Images], Tensor]]:
        """Every method that takes images, by name."""
        methods = {"Encoding": "encode", "Reconstructing": "reconstruct", "SelfClassifying": "logits"}
        answers = {method: getattr(model, method) for name, method in methods.items() if name in self.capabilities}
        if "Density" in self.capabilities and not getattr(model, "no_density", ""):
            answers["log_weights"] = lambda images: model.log_weights(images, 2, self.rng())
        return answers

    def mixtures(self, labels: Labels) -> Tensor:
        """Class weights (n, k): half of each label and half of the next."""
        k = len(self.dataset.spec.classes)
        first, second = (torch.nn.functional.one_hot(index % k, k) for index in (labels, labels + 1))
        return (first + second) / 2

    def outputs(self, model: Any) -> dict[str, Tensor]:
        """Samples with the same seed, and results for the same images."""
        drawn = {name: draw(self.rng()) for name, draw in self.draws(model).items()}
        return drawn | {name: answer(self.images.clone()).detach() for name, answer in self.answers(model).items()}


class ClassifierSubject(ModelSubject):
    """A class of classifiers."""

    def guide(self, dataset: Dataset) -> None:
        """None: classifiers are fitted without a guide."""

    def outputs(self, model: Any, n: int = BATCH) -> dict[str, Tensor]:
        """Logits and every hidden layer for the same images, or the first n of them."""
        layers = model.features(self.images[:n].clone())
        features = {f"features[{depth}]": layer.detach() for depth, layer in enumerate(layers)}
        return {"logits": model.logits(self.images[:n].clone()).detach()} | features


class DataSubject:
    """A data source, loaded on first use."""

    def __init__(self, target: type[DataSource], argument: str = "") -> None:
        self.target, self.argument = target, argument
        self.options = {"argument": argument}

    def digests(self) -> dict[str, str]:
        """The digest that the data set states, and one of the images of each split."""
        splits = {name: getattr(self.dataset, name) for name in ("train", "validation", "test")}
        images = {f"{name}.images": tensor_digest([split.images, split.labels]) for name, split in splits.items()}
        return {"the digest": self.dataset.digest} | images

    @property
    def source(self) -> DataSource:
        return self.target(self.argument)

    @property
    def rendering(self) -> Rendering:
        """The source, which draws images of factors. Raises `TypeError` if it does not."""
        source = self.source
        if not isinstance(source, Rendering):
            raise TypeError(f"{self.target.__name__} has no draw_factors and render")
        return source

    def load(self, size: int | None = None) -> Dataset:
        """The data set at `size` pixels. Raises `Skipped` unless its data are on this machine."""
        state = self.source.state()
        if state.state != "ready":
            raise Skipped(f"its state is {state.state!r}: {state.note}")
        return self.source.load() if size is None else self.source.load(size)

    @cached_property
    def dataset(self) -> Dataset:
        return self.load()


def only_on_cpu(subject: ModelSubject) -> None:
    """Raises `Skipped` on other devices, where the order of sums may change from run to run."""
    if subject.device.type != "cpu":
        raise Skipped(f"exact equality is required on the CPU only, got {subject.device.type}")


def _data_digest(dataset: Dataset) -> str:
    parts = [part for split in (dataset.train, dataset.validation) for part in (split.images, split.labels)]
    factors = [split.factors for split in (dataset.train, dataset.validation) if split.factors is not None]
    return tensor_digest(parts + factors)


def _model_state(model: Classifier | None) -> str:
    if model is None:
        return ""
    flags = [f"{model.training}"] + [f"{p.requires_grad} {p.grad is None}" for p in model.parameters()]
    return tensor_digest(model.state_dict()) + " ".join(flags)
