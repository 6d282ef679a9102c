"""Who takes the test: a class with all that the promises ask of it more than once, done once and kept."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor

from bench.api import Classifier, Dataset, DataSource, Images, Labels, Model, Spec, capabilities, to_float
from bench.run import Precision, derive_seed, generator
from bench.testing.data import tiny_dataset
from bench.testing.guide import tiny_guide
from bench.testing.promise import Skipped, describe, require
from bench.testing.watch import Watched, WatchedRun, watching
from bench.util.hashing import tensor_digest

BUDGET = 768  # training images of a fit: three batches of 256
SEED = 0
BATCH = 7  # images drawn or answered at a time

Draw = Callable[[torch.Generator], Tensor]


@dataclass(frozen=True)
class Fitted:
    """A model after its fit, and what was seen of the fit."""

    model: Any  # a Generator or a Classifier
    run: WatchedRun
    watched: Watched
    data_changed: bool
    guide_changed: bool


class ModelSubject(ABC):
    """A class of models, fitted to the tiny data set when first asked for."""

    def __init__(self, target: type[Model], device: torch.device | str = "cpu") -> None:
        self.target, self.device = target, torch.device(device)
        self.capabilities = capabilities(target)

    @abstractmethod
    def guide(self, dataset: Dataset) -> Classifier | None:
        """What a fit on this data set is lent."""

    @abstractmethod
    def outputs(self, model: Any) -> dict[str, Tensor]:
        """All that the model can be asked for, asked the same way each time."""

    @cached_property
    def dataset(self) -> Dataset:
        return tiny_dataset()

    @cached_property
    def images(self) -> Images:
        """Real images that the model has not seen, as a batch on the device."""
        return to_float(self.dataset.test.images[:BATCH].to(self.device))

    @property
    def labels(self) -> Labels:
        """One label for each of these images, all classes among them."""
        return torch.arange(BATCH, device=self.device) % len(self.dataset.spec.classes)

    def rng(self, seed: int = 1) -> torch.Generator:
        """What the host lends for drawing."""
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
        guide = self.guide(dataset)
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
        """The fit that all promises look at, or what it raised."""
        try:
            return self.fit()
        except (Exception, SystemExit) as error:
            return error

    @property
    def fitted(self) -> Fitted:
        """Raises `Skipped` where there is none to look at."""
        if isinstance(self.attempt, BaseException):
            raise Skipped(f"its fit failed: {describe(self.attempt)}")
        return self.attempt

    @property
    def model(self) -> Any:
        return self.fitted.model

    def reloaded(self) -> Any:
        """A fresh model with the state of the fitted one, by way of the bytes of a safetensors file."""
        state = {name: tensor.detach().cpu().contiguous() for name, tensor in self.model.state_dict().items()}
        with watching():
            torch.manual_seed(derive_seed(SEED, "another start"))
            model = self.fresh()
            model.load_state_dict(safetensors.torch.load(safetensors.torch.save(state)), strict=True)
        return model.eval()

    def equal(self, first: Tensor, second: Tensor) -> bool:
        """To the bit on the CPU; elsewhere to 1e-3 of the largest value, as an accelerator may add in another order."""
        if self.device.type == "cpu" or first.shape != second.shape:
            return torch.equal(first, second)
        return bool((first - second).abs().max() <= 1e-3 * second.abs().max().clamp(min=1))

    def require_same(self, first: dict[str, Tensor], second: dict[str, Tensor], what: str) -> None:
        """Require equality, name by name."""
        require(first.keys() == second.keys(), f"{what}: {sorted(first.keys() ^ second.keys())} in one of them only")
        differ = [name for name in first if not self.equal(first[name], second[name])]
        require(not differ, f"{what}: {', '.join(differ[:3])} differ{'s' if len(differ) == 1 else ''}")


class GeneratorSubject(ModelSubject):
    """A class of generators, and the guide that its fit is lent."""

    def __init__(self, target: type[Model], device: torch.device | str = "cpu") -> None:
        super().__init__(target, device)
        self._guides: dict[str, Classifier] = {}

    def guide(self, dataset: Dataset) -> Classifier:
        """A tiny classifier fitted to the data set, frozen."""
        if dataset.digest not in self._guides:
            self._guides[dataset.digest] = tiny_guide(dataset, self.device)
        return self._guides[dataset.digest]

    def draws(self, model: Any, n: int = BATCH) -> dict[str, Draw]:
        """Every way this model can draw n images, by the name of its method."""
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
        """Every way this model answers to images, by the name of its method."""
        methods = {"Encoding": "encode", "Reconstructing": "reconstruct", "SelfClassifying": "logits"}
        return {method: getattr(model, method) for name, method in methods.items() if name in self.capabilities}

    def mixtures(self, labels: Labels) -> Tensor:
        """Class weights (n, k), half of each label and half of the next."""
        k = len(self.dataset.spec.classes)
        first, second = (torch.nn.functional.one_hot(index % k, k) for index in (labels, labels + 1))
        return (first + second) / 2

    def outputs(self, model: Any) -> dict[str, Tensor]:
        """Draws from the same seed, answers to the same images."""
        drawn = {name: draw(self.rng()) for name, draw in self.draws(model).items()}
        return drawn | {name: answer(self.images.clone()).detach() for name, answer in self.answers(model).items()}


class ClassifierSubject(ModelSubject):
    """A class of classifiers."""

    def guide(self, dataset: Dataset) -> None:
        """Classifiers are fitted without one."""

    def outputs(self, model: Any, n: int = BATCH) -> dict[str, Tensor]:
        """Logits and every hidden layer for the same images, or the first n of them."""
        layers = model.features(self.images[:n].clone())
        features = {f"features[{depth}]": layer.detach() for depth, layer in enumerate(layers)}
        return {"logits": model.logits(self.images[:n].clone()).detach()} | features


class DataSubject:
    """A data source, loaded when first asked for."""

    def __init__(self, target: type[DataSource], argument: str = "") -> None:
        self.target, self.argument = target, argument

    @property
    def source(self) -> DataSource:
        return self.target(self.argument)

    def load(self, size: int | None = None) -> Dataset:
        """Raises `Skipped` where the data are not on this machine."""
        state = self.source.state()
        if state.state != "ready":
            raise Skipped(f"its state is {state.state!r}: {state.note}")
        return self.source.load() if size is None else self.source.load(size)

    @cached_property
    def dataset(self) -> Dataset:
        return self.load()


def only_on_cpu(subject: ModelSubject) -> None:
    """Raises `Skipped` elsewhere: an accelerator may add in another order each time."""
    if subject.device.type != "cpu":
        raise Skipped(f"equality to the bit is promised on the CPU, this is {subject.device.type}")


def _data_digest(dataset: Dataset) -> str:
    parts = [part for split in (dataset.train, dataset.validation) for part in (split.images, split.labels)]
    factors = [split.factors for split in (dataset.train, dataset.validation) if split.factors is not None]
    return tensor_digest(parts + factors)


def _model_state(model: Classifier | None) -> str:
    if model is None:
        return ""
    flags = [f"{model.training}"] + [f"{p.requires_grad} {p.grad is None}" for p in model.parameters()]
    return tensor_digest(model.state_dict()) + " ".join(flags)
