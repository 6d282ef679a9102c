"""Lamps: images of four blocks whose brightness is known, generators with known control, and an exact oracle.

Blocks 0 to 2 are the attributes. Block 3 is not an attribute: a code that changes only it is like a watermark.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bench.api import Data, Dataset, Generator, Spec
from bench.metrics.control.oracle import Attribute, Oracle
from bench.training_run import generator

SPEC = Spec("lamps", 1, 16, ("only",))
ATTRIBUTES = tuple(Attribute(f"lamp {index}", "linear", (index,)) for index in range(3))
Law = Callable[[Tensor, torch.Generator], Tensor]  # codes (n, d) to the brightness of the blocks (n, 4)


@dataclass(frozen=True)
class Nothing:
    """No settings."""


def paint(brightness: Tensor) -> Tensor:
    """Images (n, 1, 16, 16) of the brightness of four blocks, (n, 4)."""
    return brightness.clamp(0, 1).repeat_interleave(4, dim=1)[:, None, None, :].expand(-1, 1, 16, -1).contiguous()


class LampOracle(Oracle):
    """Reads the brightness of three blocks, exactly."""

    name, digest, attributes, left_out = "factors", "lamps", ATTRIBUTES, {}

    def read(self, pixels: Tensor, device: Any = "cpu") -> np.ndarray:
        blocks = pixels.float().mean((1, 2)).view(len(pixels), 4, 4).mean(2) / 255
        return blocks[:, :3].numpy().astype(np.float32)


class Lamps(Generator):
    """Codes uniform in [0, 1]; `law` gives the brightness."""

    Config, source = Nothing, ""

    def __init__(self, law: Law, codes: int = 3) -> None:
        super().__init__(Nothing(), SPEC)
        self.law, self.codes = law, codes
        self.decoded = 0  # images

    def fit(self, data: Data, run: Any) -> None: ...

    def draw_codes(self, n: int, rng: torch.Generator) -> Tensor:
        return torch.rand((n, self.codes), generator=rng)

    def decode(self, codes: Tensor, rng: torch.Generator) -> Tensor:
        self.decoded += len(codes)
        return paint(self.law(codes, rng))

    def encode(self, images: Tensor) -> Tensor:
        return images.mean((1, 2)).view(len(images), 4, 4).mean(2)[:, :3]

    def sample(self, n: int, rng: torch.Generator) -> Tensor:
        return self.decode(self.draw_codes(n, rng), rng)


def lamps_dataset(n: int = 300) -> Dataset:
    """Independent lamps, uniform brightness."""

    def split(count: int, seed: int) -> Data:
        brightness = torch.rand((count, 4), generator=generator("cpu", "lamps", seed))
        images = (paint(brightness) * 255).round().to(torch.uint8)
        return Data(SPEC, images, torch.zeros(count, dtype=torch.int64))

    return Dataset(SPEC, split(n, 0), split(30, 1), split(n, 2), "digest-of-lamps")


def pad(columns: Tensor) -> Tensor:
    """Brightness of four blocks from that of fewer: the others are dark."""
    return torch.cat([columns, torch.zeros(len(columns), 4 - columns.shape[1])], dim=1)


def identity(codes: Tensor, rng: torch.Generator) -> Tensor:
    return pad(codes[:, :3])


def rotated(turn: float) -> Law:
    """Two lamps follow two codes rotated by an angle in radians; the third follows its own."""

    def law(codes: Tensor, rng: torch.Generator) -> Tensor:
        x, y = codes[:, 0] - 0.5, codes[:, 1] - 0.5
        cosine, sine = np.cos(turn), np.sin(turn)
        both = torch.stack([cosine * x + sine * y, cosine * y - sine * x], dim=1) / 1.5 + 0.5
        return pad(torch.cat([both, codes[:, 2:3]], dim=1))

    return law


def swapped(codes: Tensor, rng: torch.Generator) -> Tensor:
    """In half of the contexts the first two codes exchange their lamps."""
    swap = torch.rand((len(codes), 1), generator=rng) < 0.5
    first, second = codes[:, :1], codes[:, 1:2]
    return pad(torch.cat([torch.where(swap, second, first), torch.where(swap, first, second), codes[:, 2:3]], dim=1))


def entangled(codes: Tensor, rng: torch.Generator) -> Tensor:
    """The first code moves the first two lamps."""
    return pad(torch.cat([codes[:, :1], codes[:, :1], codes[:, 2:3]], dim=1))


def watermark(codes: Tensor, rng: torch.Generator) -> Tensor:
    """The first code moves a block that is not an attribute; the lamps are drawn from `rng`."""
    lamps = torch.rand((len(codes), 3), generator=rng)
    return torch.cat([lamps, codes[:, :1]], dim=1)


def noisy(codes: Tensor, rng: torch.Generator) -> Tensor:
    """Each lamp is the mean of its code and a nuisance of the same variance."""
    return pad((codes[:, :3] + torch.rand((len(codes), 3), generator=rng)) / 2)
