"""A data set of three classes that a linear classifier reads, classifiers for it, and evaluation contexts."""

from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from bench.api import Classifier, Data, Dataset, Generator, Spec, to_float
from bench.metrics import EvaluationContext
from bench.metrics.control.morphology import Morphology
from bench.training_run import generator

SPEC = Spec("stripes", 1, 16, ("Left side", "middle", "right"))


@dataclass(frozen=True)
class Nothing:
    """No settings."""


def toy_images(n: int, seed: int, spec: Spec = SPEC) -> Data:
    """Each class lights its own third of the columns; brightness and noise vary."""
    rng = generator("cpu", "toy_images", seed)
    labels = torch.randperm(n, generator=rng) % 3
    images = torch.rand((n, *spec.shape), generator=rng) * 60
    bright = 120 + 70 * torch.rand(n, generator=rng)
    for i, label in enumerate(labels.tolist()):
        images[i, :, :, 5 * label : 5 * label + 5] += bright[i]
    return Data(spec, images.round().to(torch.uint8), labels)


class Thirds(Classifier):
    """Classifies by the brightness of the thirds; `gain` is its confidence, `turn` makes it wrong."""

    Config, source = Nothing, ""

    def __init__(self, gain: float = 40.0, turn: int = 0) -> None:
        super().__init__(Nothing(), SPEC)
        self.gain, self.turn = gain, turn

    def fit(self, data: Data, run: Any) -> None: ...

    def features(self, images: Tensor) -> list[Tensor]:
        pooled = torch.stack([images[..., 5 * k : 5 * k + 5].mean((1, 2, 3)) for k in range(3)], dim=1)
        spread = torch.stack([images[..., 5 * k : 5 * k + 5].std((1, 2, 3)) for k in range(3)], dim=1)
        return [images.clone(), torch.cat([pooled, spread], dim=1)]

    def logits(self, images: Tensor) -> Tensor:
        return self.gain * self.features(images)[-1][:, :3].roll(self.turn, 1)


class Centroids(Classifier):
    """Classifies by the nearest mean image of the classes that it was trained on."""

    Config, source = Nothing, ""

    def __init__(self, data: Data) -> None:
        super().__init__(Nothing(), data.spec)
        self.means = torch.stack(
            [to_float(data.images[data.labels == k]).mean(0) for k in range(len(data.spec.classes))]
        )

    def fit(self, data: Data, run: Any) -> None: ...

    def features(self, images: Tensor) -> list[Tensor]:
        return [images]

    def logits(self, images: Tensor) -> Tensor:
        return -torch.cdist(images.flatten(1), self.means.flatten(1)).nan_to_num(nan=1e9)


class Painter(Generator):
    """Draws for a label, mixes, decodes codes, reconstructs, classifies, and says that all images are equally likely."""

    Config, source = Nothing, ""

    def __init__(self, own: Classifier | None = None) -> None:
        super().__init__(Nothing(), SPEC)
        self.own = own or Thirds()

    def fit(self, data: Data, run: Any) -> None: ...

    def sample(self, n: int, rng: torch.Generator) -> Tensor:
        return self.sample_class(torch.randint(3, (n,), generator=rng), rng)

    def sample_class(self, labels: Tensor, rng: torch.Generator) -> Tensor:
        return self.sample_mixture(torch.eye(3)[labels], rng)

    def sample_mixture(self, weights: Tensor, rng: torch.Generator) -> Tensor:
        images = torch.rand((len(weights), *SPEC.shape), generator=rng) * 0.2
        bright = weights * (0.47 + 0.27 * torch.rand((len(weights), 1), generator=rng))
        for k in range(3):
            images[..., 5 * k : 5 * k + 5] += bright[:, k, None, None, None]
        return images.clamp(0, 1)

    def draw_codes(self, n: int, rng: torch.Generator) -> Tensor:
        """The brightness of each third."""
        return torch.rand((n, 3), generator=rng)

    def decode(self, codes: Tensor, rng: torch.Generator) -> Tensor:
        images = torch.rand((len(codes), *SPEC.shape), generator=rng) * 0.2
        for k in range(3):
            images[..., 5 * k : 5 * k + 5] += 0.7 * codes[:, k, None, None, None]
        return images.clamp(0, 1)

    def encode(self, images: Tensor) -> Tensor:
        return self.own.features(images)[-1][:, :3]

    def reconstruct(self, images: Tensor) -> Tensor:
        return 0.9 * images + 0.05

    def logits(self, images: Tensor) -> Tensor:
        return self.own.logits(images)

    def log_weights(self, images: Tensor, draws: int, rng: torch.Generator) -> Tensor:
        """The uniform density."""
        return torch.zeros(draws, len(images))


class Plain(Generator):
    """Draws, and nothing else."""

    Config, source = Nothing, ""

    def __init__(self) -> None:
        super().__init__(Nothing(), SPEC)

    def fit(self, data: Data, run: Any) -> None: ...

    def sample(self, n: int, rng: torch.Generator) -> Tensor:
        return torch.rand((n, *SPEC.shape), generator=rng)


@pytest.fixture(scope="session")
def dataset() -> Dataset:
    return Dataset(SPEC, toy_images(300, 0), toy_images(30, 1), toy_images(90, 2), "digest-of-stripes")


@pytest.fixture
def toys() -> SimpleNamespace:
    return SimpleNamespace(
        Painter=Painter, Plain=Plain, Thirds=Thirds, toy_images=toy_images, spec=SPEC, to_float=to_float
    )


@pytest.fixture
def make_context(dataset: Dataset) -> Callable[..., EvaluationContext]:
    """An evaluation context over the toy data set; by default the samples are real test images."""

    def make(**changes: Any) -> EvaluationContext:
        n = changes.get("n", 60)
        defaults = {
            "model": None, "dataset": dataset, "samples": dataset.test[:n], "conditional": True, "judge": Thirds(),
            "judge_digest": "thirds", "guide": Thirds(10.0), "device": torch.device("cpu"), "n": n, "reference": 150,
            "seed": 0, "find_oracle": lambda: Morphology(1),
            "train_classifier": lambda data, images: Centroids(data),
            "find_second_judge": lambda: (Thirds(), "second"),
        }  # fmt: skip
        return EvaluationContext(**defaults | changes)

    return make
