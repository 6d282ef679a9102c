"""The encoder, from images to non-negative latents, and the decoder back."""

from copy import deepcopy
from difflib import get_close_matches
from itertools import pairwise
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from bench import BenchError, Codes, Images, Spec
from bench_regene.config import ReGeneConfig

SMALLEST = 4  # the encoder halves the image until its sides have this many pixels, or twice
WIDEST = 8  # times the width of the first stage


def sizes(size: int) -> list[int]:
    """The sides of the image and of every stage's map: 32 -> [32, 16, 8, 4]; 8 -> [8, 4, 2]."""
    sides = [size]
    while sides[-1] > SMALLEST or len(sides) < 3:
        sides.append((sides[-1] + 1) // 2)
    return sides


def widths(config: ReGeneConfig, stages: int) -> list[int]:
    """The channels of each stage."""
    return [config.width * min(2**stage, WIDEST) for stage in range(stages)]


def conv(inputs: int, outputs: int) -> nn.Sequential:
    """3x3 convolution, batch norm, ReLU."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)
    )


class Encoder(nn.Module):
    """E: stages of features, all of the last map into one affine layer, and ReLU."""

    def __init__(self, config: ReGeneConfig, spec: Spec) -> None:
        super().__init__()
        self.body = ConvBody(config, spec) if config.backbone == "conv" else TimmBody(config.backbone, spec)
        with torch.no_grad():
            maps = self.body.eval()(torch.zeros(1, *spec.shape))
        self.layers = len(maps) + 1  # with z
        self.latent = nn.Linear(maps[-1].numel(), config.latent_dim)

    def forward(self, images: Images) -> tuple[Codes, list[Tensor]]:
        """z (n, d) and the maps of each stage, from shallow to deep."""
        maps = self.body(images)
        return F.relu(self.latent(maps[-1].flatten(1))), maps


class ConvBody(nn.Module):
    """Two 3x3 convolutions a stage, with average pooling between them.

    Not a stride: the gradient of the feature term then weighs all pixels of the decoded image alike.
    """

    def __init__(self, config: ReGeneConfig, spec: Spec) -> None:
        super().__init__()
        channels = [spec.channels, *widths(config, len(sizes(spec.size)) - 1)]
        self.stages = nn.ModuleList(
            nn.Sequential(conv(inputs, outputs), nn.AvgPool2d(2, ceil_mode=True), conv(outputs, outputs))
            for inputs, outputs in pairwise(channels)
        )

    def forward(self, images: Images) -> list[Tensor]:
        maps = [images]
        for stage in self.stages:
            maps.append(stage(maps[-1]))
        return maps[1:]


def folded(encoder: Encoder) -> Encoder:
    """A copy for evaluation, its batch norms folded into the convolutions before them: the same map, computed faster."""
    copy: Encoder = deepcopy(encoder).eval()
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


class TimmBody(nn.Module):
    """The stages of a convolutional timm model, untrained, with a stem of stride 1 for images up to 64 pixels."""

    def __init__(self, name: str, spec: Spec) -> None:
        super().__init__()
        import timm

        if not timm.is_model(name):
            close = get_close_matches(name, [*timm.list_models(), "conv"], n=1)
            raise BenchError(f"timm has no model {name!r} for a backbone" + "".join(f": try {it!r}" for it in close))
        self.net: Any = timm.create_model(name, in_chans=spec.channels, num_classes=0)
        if spec.size <= 64:
            self._widen_stem()
        try:
            with torch.no_grad():
                maps = self.eval()(torch.zeros(1, *spec.shape))
        except Exception as error:
            raise BenchError(f"backbone {name!r} gives no feature maps of {spec.size} px images: {error}") from error
        if any(it.ndim != 4 for it in maps):
            raise BenchError(f"backbone {name!r} is not convolutional, ReGene wants maps of shape (n, c, h, w)")

    def _widen_stem(self) -> None:
        """Let the first convolution and the pool behind it keep the size of the image."""
        first = next(layer for layer in self.net.modules() if isinstance(layer, nn.Conv2d))
        first.stride = (1, 1)
        if isinstance(getattr(self.net, "maxpool", None), nn.Module):
            self.net.maxpool = nn.Identity()

    def forward(self, images: Images) -> list[Tensor]:
        last, maps = self.net.forward_intermediates(images)
        return [*maps[:-1], last]


class Decoder(nn.Module):
    """D: one affine layer, then upsampling and 3x3 convolutions, mirroring the conv encoder."""

    def __init__(self, config: ReGeneConfig, spec: Spec) -> None:
        super().__init__()
        self.sides, self.upsampling = sizes(spec.size)[::-1], config.upsampling  # e.g. 4, 8, 16, 32
        channels = widths(config, len(self.sides) - 1)[::-1]
        self.shape = (channels[0], self.sides[0], self.sides[0])
        self.start = nn.Sequential(nn.Linear(config.latent_dim, channels[0] * self.sides[0] ** 2), nn.ReLU())
        convs = [config.decoder_convs] * (len(channels) - 1) + [max(1, config.decoder_convs - 1)]  # then to pixels
        self.stages = nn.ModuleList(
            nn.Sequential(conv(inputs, outputs), *(conv(outputs, outputs) for _ in range(count - 1)))
            for inputs, outputs, count in zip(channels, [*channels[1:], channels[-1]], convs, strict=True)
        )
        self.to_pixels = nn.Conv2d(channels[-1], spec.channels, 3, padding=1)

    def forward(self, latents: Codes) -> Images:
        maps = self.start(latents).unflatten(1, self.shape).contiguous(memory_format=torch.channels_last)
        for side, stage in zip(self.sides[1:], self.stages, strict=True):
            maps = stage(F.interpolate(maps, size=(side, side), mode=self.upsampling))
        return torch.sigmoid(self.to_pixels(maps).float())
