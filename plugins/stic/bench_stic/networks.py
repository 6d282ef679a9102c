"""The classifiers: deterministic, one image at a time, with their stages laid open (README, section 2).

The wide residual net without norm layers is that of the official release of STIC, which has it from JEM
(arXiv 1912.03263). The attention block is after SAGAN (arXiv 1805.08318).
"""

import re
from itertools import pairwise
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.dropout import _DropoutNd

from bench import BenchError, Images, Logits, Spec, timm_network

FEW = 4  # channels, as an image has them
SMALLEST = 4  # the conv net halves the image until its sides have this many pixels, or twice
ATTENTIVE = 16  # pixels per side of the map with the attention block, or the next smaller map
WRN = re.compile(r"wrn-(\d+)-(\d+)")


class Answer(NamedTuple):
    """Logits (n, outputs) and the maps (n, c, h, w) of each stage, shallow to deep."""

    logits: Logits
    maps: list[Tensor]


def make_network(backbone: str, norm: str, width: int, spec: Spec, outputs: int, attention: bool = False) -> nn.Module:
    """An untrained classifier: images (n, c, h, w) to an `Answer`.

    Raises `BenchError` for a net whose logits depend on other images or on chance, and if it has no place for `attention`.
    """
    net: nn.Module
    if backbone in ("conv", "residual"):
        net = ConvNet(spec, width, outputs, attention=attention, residual=backbone == "residual")
    elif match := WRN.fullmatch(backbone):
        net = WideResNet(spec, int(match[1]), int(match[2]), outputs, attention=attention)
    elif attention:
        raise BenchError(
            f"backbone {backbone!r} has no place for an attention block: expected conv, residual or wrn-DEPTH-WIDTH"
        )
    else:
        net = TimmNet(backbone, norm, spec, outputs)
    refuse_chance(net, backbone)
    return net


def refuse_chance(net: nn.Module, name: str) -> None:
    """Raises `BenchError` for a net in which chains would depend on each other, or the energy would be random."""
    for layer in net.modules():
        if isinstance(layer, _BatchNorm):
            raise BenchError(
                f"backbone {name!r} has batch norm ({type(layer).__name__}), which ties the energy of a chain to the "
                "other chains; use norm=group, layer or none"
            )
        rate = layer.p if isinstance(layer, _DropoutNd) else getattr(layer, "drop_prob", 0.0)
        if rate:
            raise BenchError(
                f"backbone {name!r} has dropout ({type(layer).__name__} at {rate}), under which the energy of an image "
                "changes from call to call; use a backbone without dropout"
            )


class ConvNet(nn.Module):
    """A 4x4 convolution of stride 2 a stage, which lets a gradient through to every pixel alike, SiLU, no norm.

    Up to 16 pixels the first is a 3x3 convolution of stride 1. With `residual`, a residual block follows each stage.
    With `levels`, each stage is scaled and shifted by the index of a noise level (FiLM).
    """

    def __init__(
        self, spec: Spec, width: int, outputs: int, *, attention: bool = False, residual: bool = False, levels: int = 0
    ) -> None:
        super().__init__()
        strides = [1 if spec.size <= 16 else 2]
        sides = [spec.size // strides[0]]
        while sides[-1] > SMALLEST or len(sides) < 3:
            strides, sides = [*strides, 2], [*sides, max(1, sides[-1] // 2)]
        channels = [spec.channels, width, *[2 * width] * (len(sides) - 1)]
        self.stages = nn.ModuleList(
            Halving(inputs, outputs_) if stride == 2 else nn.Conv2d(inputs, outputs_, 3, padding=1)
            for (inputs, outputs_), stride in zip(pairwise(channels), strides, strict=True)
        )
        place = next((i for i, side in enumerate(sides) if side <= ATTENTIVE), len(sides) - 1)
        self.attention_at = place if attention else -1
        self.attention = SelfAttention(channels[place + 1]) if attention else None
        self.films = nn.ModuleList(nn.Embedding(levels, 2 * c) for c in channels[1:]) if levels else None
        self.head = nn.Linear(channels[-1] * sides[-1] ** 2, outputs)
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d) and max(layer.kernel_size) > 1:  # not those of the attention block
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            if isinstance(layer, nn.Embedding):
                nn.init.zeros_(layer.weight)
        self.blocks = nn.ModuleList(ResidualBlock(c) for c in channels[1:]) if residual else None

    def forward(self, images: Images, level: Int[Tensor, "n"] | None = None) -> Answer:
        maps: list[Tensor] = []
        x = images
        for i, stage in enumerate(self.stages):
            x = stage(x)
            if self.films is not None:
                assert level is not None
                scale, shift = self.films[i](level)[:, :, None, None].chunk(2, 1)
                x = x * (1 + scale) + shift
            if self.blocks is not None:
                x = self.blocks[i](x)
            x = F.silu(x)
            if i == self.attention_at and self.attention is not None:
                x = self.attention(x)
            maps.append(x)
        return Answer(self.head(x.flatten(1)).float(), maps)


class ResidualBlock(nn.Module):
    """SiLU, 3x3, SiLU, 3x3, and the way past them, without a norm layer.

    With `levels`, the index of a noise level scales and shifts what lies between the convolutions (FiLM).
    """

    def __init__(self, channels: int, levels: int = 0) -> None:
        super().__init__()
        self.first, self.second = (nn.Conv2d(channels, channels, 3, padding=1) for _ in range(2))
        self.film = nn.Embedding(levels, 2 * channels) if levels else None
        if self.film is not None:
            nn.init.zeros_(self.film.weight)

    def forward(self, x: Float[Tensor, "n c h w"], level: Int[Tensor, "n"] | None = None) -> Float[Tensor, "n c h w"]:
        inner = self.first(F.silu(x))
        if self.film is not None:
            assert level is not None
            scale, shift = self.film(level)[:, :, None, None].chunk(2, 1)
            inner = inner * (1 + scale) + shift
        return x + self.second(F.silu(inner))


class Halving(nn.Conv2d):
    """A 4x4 convolution of stride 2, quick in its gradient for an image.

    Backwards to few channels, strided convolutions are slow on a CPU. Where an image wants a gradient, the same sums are
    made by a 2x2 convolution of stride 1 over the image with each 2x2 block of pixels folded into channels.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs, 4, 2, padding=1)

    def forward(self, images: Float[Tensor, "n c h w"]) -> Float[Tensor, "n d i j"]:
        if self.in_channels > FEW or not images.requires_grad:
            return super().forward(images)
        (n, c, h, w), d = images.shape, self.out_channels
        padded = F.pad(images.permute(0, 2, 3, 1), (0, 0, 1, 1 - w % 2, 1, 1 - h % 2))
        blocks = padded.reshape(n, h // 2 + 1, 2, w // 2 + 1, 2 * c).transpose(2, 3).flatten(3)
        kernel = self.weight.view(d, c, 2, 2, 2, 2).permute(0, 3, 5, 1, 2, 4).reshape(d, 4 * c, 2, 2)
        return F.conv2d(blocks.permute(0, 3, 1, 2), kernel.contiguous(memory_format=torch.channels_last), self.bias)


class SelfAttention(nn.Module):
    """x + gate * attention(x) over positions: query and key of C / 8 channels, value of C / 2, gate 0 at first."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.query, self.key = (nn.Conv2d(channels, max(1, channels // 8), 1) for _ in range(2))
        self.value = nn.Conv2d(channels, max(1, channels // 2), 1)
        self.out = nn.Conv2d(max(1, channels // 2), channels, 1)
        self.gate = nn.Parameter(torch.zeros(()))

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        query, key, value = (part(x).flatten(2) for part in (self.query, self.key, self.value))
        weights = (query.mT @ key).softmax(2)  # (n, from, to)
        seen = (value @ weights.mT).unflatten(2, x.shape[2:])
        return x + self.gate * self.out(seen)


class WideResNet(nn.Module):
    """WRN-depth-widen with pre-activation blocks, LeakyReLU 0.2, biases, and no norm layer or dropout at all."""

    def __init__(self, spec: Spec, depth: int, widen: int, outputs: int, *, attention: bool = False) -> None:
        super().__init__()
        if depth < 10 or (depth - 4) % 6 or widen < 1:
            raise BenchError(
                f"backbone 'wrn-{depth}-{widen}': expected a depth of 6 n + 4, such as 28, and a width of at least 1"
            )
        blocks, channels = (depth - 4) // 6, [16, 16 * widen, 32 * widen, 64 * widen]
        self.stem = nn.Conv2d(spec.channels, 16, 3, padding=1)
        self.stages = nn.ModuleList(
            nn.Sequential(*(WideBlock(i if b == 0 else o, o, stride if b == 0 else 1) for b in range(blocks)))
            for (i, o), stride in zip(pairwise(channels), (1, 2, 2), strict=True)
        )
        self.attention = SelfAttention(channels[2]) if attention else None  # behind the stage that halves the image
        self.head = nn.Linear(channels[-1], outputs)

    def forward(self, images: Images) -> Answer:
        maps, x = [], self.stem(images)
        for i, stage in enumerate(self.stages):
            x = stage(x)
            if i == 1 and self.attention is not None:
                x = self.attention(x)
            maps.append(x)
        pooled = F.leaky_relu(x, 0.2).mean((2, 3))  # 8x8 average pooling at 32 pixels
        return Answer(self.head(pooled).float(), maps)


class WideBlock(nn.Module):
    """LeakyReLU, 3x3, LeakyReLU, 3x3, and the way past them."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.second = nn.Conv2d(outputs, outputs, 3, stride, padding=1)
        plain = inputs == outputs and stride == 1
        self.past: nn.Module = nn.Identity() if plain else nn.Conv2d(inputs, outputs, 1, stride)

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n d i j"]:
        inner = self.first(F.leaky_relu(x, 0.2))
        return self.second(F.leaky_relu(inner, 0.2)) + self.past(x)


class TimmNet(nn.Module):
    """Any timm architecture that has maps, with strides that fit the images and another norm than batch norm."""

    def __init__(self, name: str, norm: str, spec: Spec, outputs: int) -> None:
        super().__init__()
        wide = Spec(spec.name, spec.channels, spec.size, tuple(f"output-{i}" for i in range(outputs)))
        self.net: Any
        self.net, takes = timm_network(name, wide, norm=norm)  # type: ignore[arg-type]
        if takes != spec.size or not hasattr(self.net, "forward_intermediates"):
            raise BenchError(f"backbone {name!r} gives no feature maps of images of {spec.size} pixels; try resnet18")

    def forward(self, images: Images) -> Answer:
        final, maps = self.net.forward_intermediates(images)
        return Answer(self.net.forward_head(final).float(), _last_of_each_size(maps))


def _last_of_each_size(maps: list[Tensor]) -> list[Tensor]:
    """Stages are identified by their resolution: a stem of the first stage's size is not a stage."""
    return list({it.shape[-1]: it for it in maps}.values())
