"""A procedural data set so small that a fit on it takes a second: discs, squares and stripes of any colour."""

from dataclasses import replace

import torch
from torch import Tensor

from bench.api import Data, Dataset, Factor, Spec, quantize
from bench.training_run import generator
from bench.util.hashing import tensor_digest

CLASSES = ("disc", "square", "stripes")
FACTORS = (Factor("shape", "categorical", 0, 2, count=3), Factor("x", "linear", 0.3, 0.7))
TRAIN, HELD_OUT = 97, 32  # odd, so that no buffer of a model has this size by chance


def tiny_spec(channels: int = 3, size: int = 32) -> Spec:
    """The format of `tiny_dataset`."""
    return Spec(f"tiny-{channels}x{size}", channels, size, CLASSES, FACTORS)


def tiny_dataset(channels: int = 3, size: int = 32, train: int = TRAIN, held_out: int = HELD_OUT) -> Dataset:
    """Three balanced classes of images of `size` pixels with two factors (shape, x), equal on every machine.

    `train` images for training, `held_out` each for validation and test.
    """
    spec = tiny_spec(channels, size)
    counts = {"train": train, "validation": held_out, "test": held_out}
    splits = {name: _split(spec, n, generator("cpu", "tiny", name)) for name, n in counts.items()}
    return Dataset(spec=spec, digest=_digest(splits), **splits)


def without_classes(dataset: Dataset) -> Dataset:
    """The same images as a data set without classes: all of one."""
    spec = replace(dataset.spec, name=f"{dataset.spec.name}-plain", classes=("images",))

    def plain(data: Data) -> Data:
        return replace(data, spec=spec, labels=torch.zeros_like(data.labels))

    splits = {name: plain(getattr(dataset, name)) for name in ("train", "validation", "test")}
    return Dataset(spec=spec, digest=_digest(splits), **splits)


def _split(spec: Spec, n: int, rng: torch.Generator) -> Data:
    labels = torch.arange(n) % len(spec.classes)
    x, y = (0.3 + 0.4 * torch.rand(2, n, 1, 1, 1, generator=rng)).unbind()
    shapes = _shapes(spec.size, x, y)  # (3, n, 1, h, w)
    mask = shapes[labels, torch.arange(n)]
    colour, ground = torch.rand(2, n, spec.channels, 1, 1, generator=rng).unbind()
    images = 0.4 * ground + mask * (0.6 + 0.4 * colour - 0.4 * ground)
    noise = 0.02 * torch.randn(images.shape, generator=rng)
    factors = torch.stack([labels.float(), x.flatten()], dim=1)
    return Data(spec, quantize((images + noise).clamp(0, 1)), labels, factors)


def _shapes(size: int, x: Tensor, y: Tensor) -> Tensor:
    """The mask of each class for each centre (n, 1, 1, 1) in units of the image: (3, n, 1, h, w)."""
    line = (torch.arange(size) + 0.5) / size
    dx, dy = line.view(1, 1, 1, -1) - x, line.view(1, 1, -1, 1) - y
    disc = dx**2 + dy**2 < 0.2**2
    square = (dx.abs() < 0.25) & (dy.abs() < 0.25)
    stripes = (torch.sin(40 * dy) > 0) & (dx.abs() < 0.3)
    return torch.stack([disc, square, stripes]).float()


def _digest(splits: dict[str, Data]) -> str:
    return tensor_digest([tensor for split in splits.values() for tensor in (split.images, split.labels)])
