"""Shared helpers for tests of methods: real digits of 8 pixels, an independent judge, interrupted trainings."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bench.api import Data, Generator, Images, Labels, Logits, Spec
from bench.training_run import Run

DIGITS = Spec("digits", channels=1, size=8, classes=tuple("0123456789"))


def digits() -> Data:
    """The 1,797 digits of scikit-learn in a fixed random order, rescaled from 0..16 to 0..255."""
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(0))
    pixels = torch.from_numpy(images).reshape(-1, 1, 8, 8).mul(255 / 16).round().to(torch.uint8)
    return Data(DIGITS, pixels[order], torch.from_numpy(labels)[order].long())


def first_per_class(data: Data, n: int) -> Data:
    """The first n images of each class."""
    return data[torch.cat([(data.labels == label).nonzero()[:n, 0] for label in range(len(data.spec.classes))])]


def fitted(cls: type[Generator], config: Any, data: Data, images: int, seed: int = 0, **options: Any) -> Any:
    """A model trained on `images` images, with initial weights from `seed`; `options` are those of `Run`."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = cls(config, data.spec)
    model.fit(data, Run(model, images=images, seed=seed, **options))
    return model


class Interrupt:
    """A progress callback that raises KeyboardInterrupt after `images` images in all phases together."""

    def __init__(self, images: int) -> None:
        self.images, self.seen = images, dict[str, int]()

    def __call__(self, phase: str, images: int, of: int, scalars: dict[str, float]) -> None:
        self.seen[phase] = images
        if sum(self.seen.values()) >= self.images:
            raise KeyboardInterrupt


class Judge:
    """A small classifier of digits, trained on real images, with an architecture and a seed that no method uses."""

    def __init__(self, data: Data) -> None:
        with torch.random.fork_rng():
            torch.manual_seed(1234)
            self.body = nn.Sequential(
                nn.Conv2d(1, 24, 5, padding=2), nn.SiLU(), nn.MaxPool2d(2),
                nn.Conv2d(24, 48, 3), nn.SiLU(), nn.Flatten(), nn.Linear(48 * 4, 64), nn.SiLU(),
            )  # fmt: skip
            self.head = nn.Linear(64, 10)
        net = nn.Sequential(self.body, self.head)
        optimizer = torch.optim.AdamW(net.parameters(), 2e-3)
        for images, labels in Run(net, images=40_000, seed=1234).batches(data, 64, 40_000):
            optimizer.zero_grad()
            F.cross_entropy(net(images), labels).backward()
            optimizer.step()
        net.requires_grad_(False)

    def features(self, images: Images) -> Tensor:
        """The penultimate layer (n, 64)."""
        return self.body(images)

    def logits(self, images: Images) -> Logits:
        return self.head(self.features(images))

    def __call__(self, images: Images) -> Labels:
        """The predicted class of each image, (n,)."""
        return self.logits(images).argmax(1)


def fraction_correct(predicted: Labels, labels: Labels) -> float:
    """The fraction of predictions that equal the label, 0 to 1."""
    return float((predicted == labels).float().mean())
