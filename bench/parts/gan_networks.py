"""Networks without normalisation for GANs: residual (arXiv 1801.04406), and those of a VAE (arXiv 2001.04296)."""

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


class ResidualGenerator(nn.Module):
    """Vectors (n, inputs) to images in [-1, 1]: a linear layer, then a residual block before each doubling, one after.

    Raises `BenchError` if the size cannot be reached by doubling.
    """

    def __init__(self, shape: tuple[int, int, int], inputs: int, width: int) -> None:
        super().__init__()
        side, stages = doublings(shape[1])
        counts = channels(width, stages)[::-1]
        self.start = (counts[0], side, side)
        self.linear = nn.Linear(inputs, counts[0] * side**2)
        self.blocks = nn.ModuleList(ResidualBlock(a, b) for a, b in pairwise(counts))
        self.last = ResidualBlock(counts[-1], counts[-1])
        self.to_pixels = nn.Conv2d(counts[-1], shape[0], 3, padding=1)

    def forward(self, vectors: Vectors) -> Signed:
        maps = self.linear(vectors).unflatten(1, self.start).contiguous(memory_format=torch.channels_last)
        for block in self.blocks:
            maps = F.interpolate(block(maps), scale_factor=2.0, mode="nearest")
        return torch.tanh(self.to_pixels(F.leaky_relu(self.last(maps), SLOPE)).float())


class ResidualDiscriminator(nn.Module):
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

    def forward(self, images: Signed, labels: Int[Tensor, "n"] | None = None) -> Float[Tensor, "n"]:
        maps = self.first(self.from_pixels(images))
        for block in self.blocks:
            maps = block(F.avg_pool2d(maps, 3, stride=2, padding=1))
        return self.head(F.leaky_relu(maps, SLOPE).flatten(1), labels)


class ConvGenerator(nn.Module):
    """Vectors (n, inputs) to images in [-1, 1]: the decoder of a `CodeVae` of `width`, then tanh."""

    def __init__(self, shape: tuple[int, int, int], inputs: int, width: int) -> None:
        super().__init__()
        self.layers = decoder(shape, width, HIDDEN * width, inputs)

    def forward(self, vectors: Vectors) -> Signed:
        return torch.tanh(self.layers(vectors).float())


class ConvDiscriminator(nn.Module):
    """Images in [-1, 1] to one logit each (n,): the encoder of a `CodeVae` of `width`."""

    def __init__(self, shape: tuple[int, int, int], width: int, classes: int = 0) -> None:
        super().__init__()
        self.layers = encoder(shape, width, HIDDEN * width, 1)[:-1]  # the head takes the place of its last layer
        self.head = LogitHead(HIDDEN * width, classes)

    def forward(self, images: Signed, labels: Int[Tensor, "n"] | None = None) -> Float[Tensor, "n"]:
        return self.head(self.layers(images), labels)


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
