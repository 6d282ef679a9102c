"""Networks without normalisation for GANs: residual (arXiv 1801.04406), and those of a VAE (arXiv 2001.04296)."""

from abc import ABC, abstractmethod
from itertools import pairwise

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from bench.parts.code_vae import decoder, encoder
from bench.parts.doubling import doublings

WIDEST = 512  # channels
HIDDEN = 8  # units of a hidden layer for each channel of the first one
SLOPE = 0.2  # of the leaky ReLU
BRANCH = 0.1  # weight of a residual branch
Vectors = Float[Tensor, "n d"]
Signed = Float[Tensor, "n c h w"]  # images in [-1, 1]


def channels(width: int, stages: int) -> list[int]:
    """Of the map after each stage, from the full size to the smallest: doubled by each, up to 512."""
    return [min(WIDEST, width * 2**stage) for stage in range(stages + 1)]


class ResidualBlock(nn.Module):
    """shortcut(x) + 0.1 * branch(x): the branch is two 3x3 convolutions, each after a leaky ReLU."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        hidden = min(inputs, outputs)
        self.first = nn.Conv2d(inputs, hidden, 3, padding=1)
        self.second = nn.Conv2d(hidden, outputs, 3, padding=1)
        self.shortcut = nn.Identity() if inputs == outputs else nn.Conv2d(inputs, outputs, 1, bias=False)

    def forward(self, maps: Tensor) -> Tensor:
        branch = self.second(F.leaky_relu(self.first(F.leaky_relu(maps, SLOPE)), SLOPE))
        return torch.add(self.shortcut(maps), branch, alpha=BRANCH)


class Drawer(nn.Module, ABC):
    """A network G that draws images in [-1, 1] of a condition (n, d)."""

    @abstractmethod
    def draw(self, condition: Vectors, rng: torch.Generator) -> Signed:
        """G(s, condition): s, which is everything else, from `rng`."""


class VectorGenerator(Drawer):
    """G of one vector: the nuisance s ~ N(0, I), followed by the condition."""

    def __init__(self, nuisance_dim: int) -> None:
        super().__init__()
        self.nuisance_dim = nuisance_dim

    def draw(self, condition: Vectors, rng: torch.Generator) -> Signed:
        s = torch.randn(len(condition), self.nuisance_dim, generator=rng, device=rng.device)
        drawn: Tensor = self(torch.cat([s, condition.to(s)], 1))
        return drawn


class ResidualGenerator(VectorGenerator):
    """Vectors to images in [-1, 1]: a linear layer, then a residual block before each doubling, one after.

    Raises `BenchError` if the size cannot be reached by doubling.
    """

    def __init__(self, shape: tuple[int, int, int], nuisance_dim: int, width: int, condition: int = 0) -> None:
        super().__init__(nuisance_dim)
        side, stages = doublings(shape[1])
        counts = channels(width, stages)[::-1]
        self.start = (counts[0], side, side)
        self.linear = nn.Linear(nuisance_dim + condition, counts[0] * side**2)
        self.blocks = nn.ModuleList(ResidualBlock(a, b) for a, b in pairwise(counts))
        self.last = ResidualBlock(counts[-1], counts[-1])
        self.to_pixels = nn.Conv2d(counts[-1], shape[0], 3, padding=1)

    def forward(self, vectors: Vectors) -> Signed:
        maps = self.linear(vectors).unflatten(1, self.start).contiguous(memory_format=torch.channels_last)
        for block in self.blocks:
            maps = F.interpolate(block(maps), scale_factor=2.0, mode="nearest")
        return torch.tanh(self.to_pixels(F.leaky_relu(self.last(maps), SLOPE)).float())


class Discriminator(nn.Module, ABC):
    """Images in [-1, 1] to one logit each (n,): a head on features."""

    head: nn.Module

    @abstractmethod
    def features(self, images: Signed) -> Vectors:
        """What the head sees, (n, d)."""

    def forward(self, images: Signed, labels: Int[Tensor, "n"] | None = None) -> Float[Tensor, "n"]:
        logits: Tensor = self.head(self.features(images), labels)
        return logits


class ResidualDiscriminator(Discriminator):
    """Images in [-1, 1] to one logit each (n,): a residual block, then pooling and a block for each halving.

    With `classes`, the logit has a projection of the label added to it (arXiv 1802.05637, equation 3).
    """

    def __init__(self, shape: tuple[int, int, int], width: int, classes: int = 0) -> None:
        super().__init__()
        side, stages = doublings(shape[1])
        counts = channels(width, stages)
        self.from_pixels = nn.Conv2d(shape[0], counts[0], 3, padding=1)
        self.first = ResidualBlock(counts[0], counts[0])
        self.blocks = nn.ModuleList(ResidualBlock(a, b) for a, b in pairwise(counts))
        self.head = LogitHead(counts[-1] * side**2, classes)

    def features(self, images: Signed) -> Vectors:
        maps = self.first(self.from_pixels(images))
        for block in self.blocks:
            maps = block(F.avg_pool2d(maps, 3, stride=2, padding=1))
        return F.leaky_relu(maps, SLOPE).flatten(1)


class ConvGenerator(VectorGenerator):
    """Vectors to images in [-1, 1]: the decoder of a `CodeVae` of `width`, then tanh."""

    def __init__(self, shape: tuple[int, int, int], nuisance_dim: int, width: int, condition: int = 0) -> None:
        super().__init__(nuisance_dim)
        self.layers = decoder(shape, width, HIDDEN * width, nuisance_dim + condition)

    def forward(self, vectors: Vectors) -> Signed:
        return torch.tanh(self.layers(vectors).float())


class ConvDiscriminator(Discriminator):
    """Images in [-1, 1] to one logit each (n,): the encoder of a `CodeVae` of `width`."""

    def __init__(self, shape: tuple[int, int, int], width: int, classes: int = 0) -> None:
        super().__init__()
        self.layers = encoder(shape, width, HIDDEN * width, 1)[:-1]  # the head takes the place of its last layer
        self.head = LogitHead(HIDDEN * width, classes)

    def features(self, images: Signed) -> Vectors:
        found: Tensor = self.layers(images)
        return found


class LogitHead(nn.Module):
    """psi(features) + <embedding(label), features> (arXiv 1802.05637, equation 3), or psi alone without classes."""

    def __init__(self, features: int, classes: int = 0) -> None:
        super().__init__()
        self.psi = nn.Linear(features, 1)
        self.embedding = nn.Embedding(classes, features) if classes else None
        if self.embedding is not None:
            nn.init.normal_(self.embedding.weight, std=features**-0.5)

    def forward(self, features: Vectors, labels: Int[Tensor, "n"] | None = None) -> Float[Tensor, "n"]:
        logit = self.psi(features).squeeze(1).float()
        if self.embedding is None or labels is None:
            return logit
        return logit + (self.embedding(labels) * features).sum(1).float()
