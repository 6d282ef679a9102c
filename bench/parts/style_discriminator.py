"""The mirror of the style generator, with the deviation over a minibatch (arXiv 1710.10196, 1812.04948)."""

import math

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from bench.parts.doubling import doublings
from bench.parts.gan_networks import SLOPE, Discriminator, Signed, Vectors, channels

GROUP = 4  # images whose deviation is taken together


class StyleDiscriminator(Discriminator):
    """Images in [-1, 1] to one logit each (n,). `features` are those of each image by itself: the head sees the group.

    Batches, and both halves of a batch that is half real, must be multiples of `group`. `stage`: see `StyleGenerator`.
    Raises `BenchError` if the size cannot be reached by halving.
    """

    def __init__(
        self, shape: tuple[int, int, int], width: int, batch_size: int, *, hidden: int = 128, growing: bool = False
    ) -> None:
        super().__init__()
        side, halved = doublings(shape[1])
        counts = channels(width, halved)  # from the full size to the smallest
        self.halved, self.stage = halved, float(halved)
        seen = range(halved + 1) if growing else [halved]  # as scales: 0 is the smallest
        self.from_pixels = nn.ModuleDict({str(it): nn.Conv2d(shape[0], counts[halved - it], 1) for it in seen})
        self.blocks = nn.ModuleList(_block(counts[it], counts[it + 1]) for it in range(halved))
        self.last = nn.Sequential(nn.Conv2d(counts[-1], counts[-1], 3, padding=1), nn.LeakyReLU(SLOPE))
        self.dim = counts[-1] * side**2  # of the features
        self.head = DeviationHead(self.dim, hidden, math.gcd(batch_size, GROUP))
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, a=SLOPE)
                nn.init.zeros_(layer.bias)  # type: ignore[arg-type]

    def features(self, images: Signed) -> Vectors:
        scale = int(-(-self.stage // 1))  # rounded up
        maps = self._maps(images, scale)
        if self.stage < scale:
            maps = torch.lerp(
                self._maps(images, scale - 1), self.blocks[self.halved - scale](maps), self.stage - scale + 1
            )
            scale -= 1
        for block in self.blocks[self.halved - scale :]:
            maps = block(maps)
        return self.last(maps).flatten(1)

    def _maps(self, images: Signed, scale: int) -> Float[Tensor, "n c h w"]:
        """The first maps of a scale, of images that are shrunk to it."""
        factor = 2 ** (self.halved - scale)
        pixels = F.avg_pool2d(images, factor) if factor > 1 else images
        return F.leaky_relu(self.from_pixels[str(scale)](pixels), SLOPE)


class DeviationHead(nn.Module):
    """A hidden layer on [features, their mean deviation over a group of images], and one logit."""

    def __init__(self, features: int, hidden: int, group: int) -> None:
        super().__init__()
        self.group = group
        self.hidden, self.logit = nn.Linear(features + 1, hidden), nn.Linear(hidden, 1)

    def forward(self, features: Vectors, labels: Int[Tensor, "n"] | None = None) -> Float[Tensor, "n"]:
        deviation = deviation_of_groups(features.float(), math.gcd(len(features), self.group)).to(features.dtype)
        hidden = F.leaky_relu(self.hidden(torch.cat([features, deviation], 1)), SLOPE)
        return self.logit(hidden).squeeze(1).float()


def deviation_of_groups(features: Vectors, group: int) -> Float[Tensor, "n 1"]:
    """For each image, the standard deviation over its group of consecutive images, mean over the features."""
    groups = features.unflatten(0, (-1, group))
    variance = (groups - groups.mean(1, keepdim=True)).square().mean(1)
    return (variance + 1e-8).sqrt().mean(1, keepdim=True).repeat_interleave(group, 0)


def _block(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, inputs, 3, padding=1), nn.LeakyReLU(SLOPE),
        nn.Conv2d(inputs, outputs, 3, padding=1), nn.LeakyReLU(SLOPE), nn.AvgPool2d(2),
    )  # fmt: skip
