"""The anchor rows of every board: images that no method made, to read the others by."""

from collections.abc import Callable
from dataclasses import replace

import torch

from bench.api import Data, Dataset
from bench.errors import BenchError
from bench.run import generator


def real(dataset: Dataset, n: int, seed: int) -> Data:
    """Held-out real images, as many of each class as methods draw: the floor that sample size alone leaves."""
    return _pick(dataset.test, n, seed)


def replay(dataset: Dataset, n: int, seed: int) -> Data:
    """Training images, as many of each class as methods draw: what memorising scores."""
    return _pick(dataset.train, n, seed)


def mean(dataset: Dataset, n: int, seed: int) -> Data:
    """The mean training image, n times."""
    total = sum(part.sum(0, dtype=torch.float64) for part in dataset.train.images.split(4096))
    image = (total / len(dataset.train)).round().to(torch.uint8)
    return _unlabelled(dataset, image.expand(n, *image.shape).clone())


def noise(dataset: Dataset, n: int, seed: int) -> Data:
    """Every pixel uniform."""
    rng = generator("cpu", seed, "anchor")
    return _unlabelled(dataset, torch.randint(0, 256, (n, *dataset.spec.shape), generator=rng, dtype=torch.uint8))


ANCHORS: dict[str, Callable[[Dataset, int, int], Data]] = {"real": real, "replay": replay, "mean": mean, "noise": noise}
LABELLED = frozenset({"real", "replay"})


def _pick(data: Data, n: int, seed: int) -> Data:
    """n random images, the i-th of class i mod k, as methods are asked for; a class without images left is passed over."""
    if n > len(data):
        raise BenchError(f"cannot take {n} images from the {len(data)} of {data.spec.name}: choose a smaller budget")
    order = torch.randperm(len(data), generator=generator("cpu", seed, "anchor"))
    labels, k = data.labels[order].cpu(), len(data.spec.classes)
    rounds = torch.empty_like(labels)  # how many images of its class come before it
    for label in range(k):
        own = labels == label
        rounds[own] = torch.arange(int(own.sum()))
    return replace(data[order[(rounds * k + labels).argsort()[:n]]], factors=None)


def _unlabelled(dataset: Dataset, images: torch.Tensor) -> Data:
    return Data(dataset.spec, images, torch.zeros(len(images), dtype=torch.int64))
