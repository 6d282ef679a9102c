"""Plain convolutional networks for square images of any size: a body of stages that halve them, a decoder, a fold."""

import math
from copy import deepcopy
from itertools import pairwise
from typing import Literal, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from bench.api import Codes, Images

SMALLEST = 4  # an image is halved until its sides have this many pixels, at least twice
WIDEST = 8  # times the width of the first stage

Upsampling = Literal["bilinear", "nearest"]
Norm = Literal["batch", "weight"]
RELU_GAIN = (2 / (1 - 1 / math.pi)) ** 0.5  # keeps the variance of a unit Gaussian behind a ReLU at 1
Module = TypeVar("Module", bound=nn.Module)


def sizes(size: int) -> list[int]:
    """The sides of the image and of every stage's map: 32 -> [32, 16, 8, 4]; 8 -> [8, 4, 2]."""
    sides = [size]
    while sides[-1] > SMALLEST or len(sides) < 3:
        sides.append((sides[-1] + 1) // 2)
    return sides


def widths(width: int, stages: int) -> list[int]:
    """The channels of each stage: doubled by each, up to eight times the first."""
    return [width * min(2**stage, WIDEST) for stage in range(stages)]


class StandardConv2d(nn.Conv2d):
    """A convolution whose filters have mean 0 and norm `RELU_GAIN`, times a learned gain (arXiv 2101.08692).

    Like a norm of its output it keeps signals of a useful size, but no image depends on the others of its batch.
    """

    def __init__(self, inputs: int, outputs: int, side: int, padding: int = 0) -> None:
        super().__init__(inputs, outputs, side, padding=padding)
        self.gain = nn.Parameter(torch.full((outputs, 1, 1, 1), RELU_GAIN))
        nn.init.zeros_(self.bias)  # type: ignore[arg-type]

    def forward(self, maps: Tensor) -> Tensor:
        centred = self.weight - self.weight.mean((1, 2, 3), keepdim=True)
        weight = self.gain * centred / centred.flatten(1).norm(dim=1).clamp_min(1e-4).view(-1, 1, 1, 1)
        return F.conv2d(maps, weight, self.bias, padding=self.padding)


def conv(inputs: int, outputs: int, norm: Norm = "batch") -> nn.Sequential:
    """3x3 convolution and batch norm, or a 3x3 convolution with standardised weights; ReLU."""
    if norm == "weight":
        return nn.Sequential(StandardConv2d(inputs, outputs, 3, padding=1), nn.ReLU(inplace=True))
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)
    )


class ConvBody(nn.Module):
    """Two 3x3 convolutions a stage, with average pooling between them; the maps of all stages, shallow to deep.

    Pooling instead of strides: the gradient of a feature term then weighs all pixels of the image equally.
    """

    def __init__(self, channels: int, size: int, width: int) -> None:
        super().__init__()
        counts = [channels, *widths(width, len(sizes(size)) - 1)]
        self.stages = nn.ModuleList(
            nn.Sequential(conv(inputs, outputs), nn.AvgPool2d(2, ceil_mode=True), conv(outputs, outputs))
            for inputs, outputs in pairwise(counts)
        )

    def forward(self, images: Images) -> list[Tensor]:
        maps = [images]
        for stage in self.stages:
            maps.append(stage(maps[-1]))
        return maps[1:]


class Decoder(nn.Module):
    """One affine layer, then upsampling and 3x3 convolutions, mirroring the body. Codes (n, latent_dim) to images in (0, 1).

    With `latent_dim=None` codes are the flattened map that the body ends with, of `shape`, and there is no affine layer.
    """

    def __init__(
        self,
        channels: int,
        size: int,
        *,
        width: int,
        latent_dim: int | None,
        convs: int = 2,  # per stage, including the last one to pixels
        upsampling: Upsampling = "bilinear",
        norm: Norm = "batch",
    ) -> None:
        super().__init__()
        self.sides, self.upsampling = sizes(size)[::-1], upsampling  # e.g. 4, 8, 16, 32
        counts = widths(width, len(self.sides) - 1)[::-1]
        self.shape = (counts[0], self.sides[0], self.sides[0])
        affine = () if latent_dim is None else (nn.Linear(latent_dim, counts[0] * self.sides[0] ** 2), nn.ReLU())
        self.start = nn.Sequential(*affine)
        deep = [convs] * (len(counts) - 1) + [max(1, convs - 1)]  # then to pixels
        self.stages = nn.ModuleList(
            nn.Sequential(conv(inputs, outputs, norm), *(conv(outputs, outputs, norm) for _ in range(count - 1)))
            for inputs, outputs, count in zip(counts, [*counts[1:], counts[-1]], deep, strict=True)
        )
        self.to_pixels = nn.Conv2d(counts[-1], channels, 3, padding=1)

    def forward(self, latents: Codes) -> Images:
        maps = self.start(latents).unflatten(1, self.shape).contiguous(memory_format=torch.channels_last)
        for side, stage in zip(self.sides[1:], self.stages, strict=True):
            maps = stage(F.interpolate(maps, size=(side, side), mode=self.upsampling))
        return torch.sigmoid(self.to_pixels(maps).float())


def folded(module: Module) -> Module:
    """A copy for evaluation, its batch norms folded into the convolutions before them: the same function, computed faster."""
    copy: Module = deepcopy(module).eval()
    for block in copy.modules():
        pair = list(block.children())[:2]
        if (
            isinstance(block, nn.Sequential)
            and len(pair) == 2
            and isinstance(pair[0], nn.Conv2d)
            and isinstance(pair[1], nn.BatchNorm2d)
        ):
            block[0], block[1] = fuse_conv_bn_eval(pair[0], pair[1]), nn.Identity()
    return copy
