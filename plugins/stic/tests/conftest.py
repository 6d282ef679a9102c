"""Real 8x8 digits, one STIC trained on them at small size, and an independent judge: all fitted once."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import Tensor, nn

from bench import Data, Generator, Images, Labels, Logits, Run, Spec
from bench_stic import Stic, SticConfig

SPEC = Spec("digits", channels=1, size=8, classes=tuple("0123456789"))
TOY = SticConfig(
    width=16, store_size=1_000, steps=10, eps=0.0625, sigma=0.05, gamma=1.0
)  # T = .02, as in the toy runs of the idea
BUDGET = 24_000  # training images seen


def digits() -> Data:
    """All 1,797 digits of scikit-learn in a fixed random order, 0..16 stretched to 0..255."""
    images, labels = load_digits(return_X_y=True)
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(0))
    pixels = torch.from_numpy(images).reshape(-1, 1, 8, 8).mul(255 / 16).round().to(torch.uint8)
    return Data(SPEC, pixels[order], torch.from_numpy(labels)[order].long())


def few(data: Data, n: int) -> Data:
    """The first n images of each class."""
    return data[torch.cat([(data.labels == label).nonzero()[:n, 0] for label in range(len(data.spec.classes))])]


def fitted(cls: type[Generator], config: Any, data: Data, images: int, seed: int = 0, **options: Any) -> Any:
    """A model trained on so many images, its weights drawn from a fixed seed."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = cls(config, data.spec)
    model.fit(data, Run(model, images=images, seed=seed, **options))
    return model


class Judge:
    """A classifier of another architecture and seed, trained on real images only."""

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
        return self.logits(images).argmax(1)


def frechet(one: Tensor, other: Tensor) -> float:
    """The Frechet distance of two sets of features (n, d)."""
    a, b = one.double(), other.double()
    covariances = a.T.cov(), b.T.cov()
    mixed = torch.linalg.eigvals(covariances[0] @ covariances[1]).real.clamp(min=0).sqrt().sum()
    return float((a.mean(0) - b.mean(0)).square().sum() + covariances[0].trace() + covariances[1].trace() - 2 * mixed)


def share(told: Labels, labels: Labels) -> float:
    return float((told == labels).float().mean())


@pytest.fixture(scope="session")
def train() -> Data:
    return digits()[:1297]


@pytest.fixture(scope="session")
def test() -> Data:
    return digits()[1297:]


@pytest.fixture(scope="session")
def fit() -> Callable[..., Any]:
    return fitted


@pytest.fixture(scope="session")
def model(train: Data) -> Iterator[Stic]:
    """The model that most tests look at. Never change it."""
    return fitted(Stic, TOY, train, BUDGET)


@pytest.fixture(scope="session")
def judge(train: Data) -> Judge:
    return Judge(train)
