"""The anchors of every board: images that no method made, as reference points for the others."""

from collections.abc import Callable
from dataclasses import replace

import torch

from bench.api import Data, Dataset, Labels, quantize, to_float
from bench.backbones.augment import gaussian_blur
from bench.errors import BenchError
from bench.training_run import generator


def real(dataset: Dataset, n: int, seed: int) -> Data:
    """Held-out real images, as many of each class as methods sample: the limit set by the number of samples."""
    return _pick(dataset.test, n, seed)


def replay(dataset: Dataset, n: int, seed: int) -> Data:
    """Training images, as many of each class as methods sample: the score of memorisation."""
    return _pick(dataset.train, n, seed)


def blur(dataset: Dataset, n: int, seed: int) -> Data:
    """The images of `real`, blurred by a Gaussian whose deviation is `BLUR` of their side: right, but not sharp."""
    data = real(dataset, n, seed)
    parts = (gaussian_blur(to_float(part), BLUR * data.spec.size).clamp(0, 1) for part in data.images.split(512))
    return replace(data, images=torch.cat([quantize(part) for part in parts]))


def slight_noise(dataset: Dataset, n: int, seed: int) -> Data:
    """The images of `real` with independent normal noise, whose deviation is `SLIGHT` levels, in each pixel."""
    data, rng = real(dataset, n, seed), generator("cpu", seed, "slight noise")
    parts = (part + SLIGHT * torch.randn(part.shape, generator=rng) for part in data.images.split(512))
    return replace(data, images=torch.cat([part.round().clamp(0, 255).to(torch.uint8) for part in parts]))


def mean(dataset: Dataset, n: int, seed: int) -> Data:
    """The mean training image, n times."""
    total = sum(part.sum(0, dtype=torch.float64) for part in dataset.train.images.split(4096))
    image = (total / len(dataset.train)).round().to(torch.uint8)
    return _unlabelled(dataset, image.expand(n, *image.shape).clone())


def noise(dataset: Dataset, n: int, seed: int) -> Data:
    """Independent uniform pixels."""
    rng = generator("cpu", seed, "anchor")
    return _unlabelled(dataset, torch.randint(0, 256, (n, *dataset.spec.shape), generator=rng, dtype=torch.uint8))


BLUR = 3 / 64  # of the side: 1.5 pixels at 32
SLIGHT = 10  # of 255 levels
ANCHORS: dict[str, Callable[[Dataset, int, int], Data]] = {
    "real": real, "replay": replay, "blur": blur, "slight-noise": slight_noise, "mean": mean, "noise": noise,
}  # fmt: skip
LABELLED = frozenset(ANCHORS) - {"mean", "noise"}


def _pick(data: Data, n: int, seed: int) -> Data:
    """n random images, the i-th of class i mod k, as methods are asked for; classes without images left are skipped."""
    if n > len(data):
        raise BenchError(f"expected at least {n} images in {data.spec.name}, got {len(data)}; choose a smaller budget")
    order = torch.randperm(len(data), generator=generator("cpu", seed, "anchor"))
    return replace(data[order[in_turn(data.labels[order], len(data.spec.classes))[:n]]], factors=None)


def in_turn(labels: Labels, k: int) -> torch.Tensor:
    """The order that takes one of each of k classes in turn, each class in the order given; int64 (n,)."""
    labels = labels.cpu()
    rounds = torch.empty_like(labels)  # how many images of its class come before it
    for label in range(k):
        own = labels == label
        rounds[own] = torch.arange(int(own.sum()))
    return (rounds * k + labels).argsort()


def _unlabelled(dataset: Dataset, images: torch.Tensor) -> Data:
    return Data(dataset.spec, images, torch.zeros(len(images), dtype=torch.int64))
