"""The encoder, from images to non-negative latents. The decoder is that of `bench.parts.conv`."""

from difflib import get_close_matches
from typing import Any

import torch
from torch import Tensor, nn

from bench import BenchError, Codes, Images, Spec
from bench.parts.conv import ConvBody
from bench_regene.config import ReGeneConfig


class Encoder(nn.Module):
    """E: stages of features, and their last map: flattened, or all of it into one affine layer and ReLU."""

    def __init__(self, config: ReGeneConfig, spec: Spec) -> None:
        super().__init__()
        if config.backbone == "conv":
            self.body: nn.Module = ConvBody(spec.channels, spec.size, config.width)
        else:
            self.body = TimmBody(config.backbone, spec)
        with torch.no_grad():
            maps = self.body.eval()(torch.zeros(1, *spec.shape))
        self.layers = len(maps) + 1  # with z
        self.shape = tuple(maps[-1].shape[1:])
        dense = config.latent == "dense"
        self.dim = config.latent_dim if dense else maps[-1].numel()
        self.latent = nn.Sequential(nn.Linear(maps[-1].numel(), self.dim), nn.ReLU()) if dense else nn.Identity()

    def forward(self, images: Images) -> tuple[Codes, list[Tensor]]:
        """z (n, d) and the maps of each stage, from shallow to deep."""
        maps = self.body(images)
        return self.latent(maps[-1].flatten(1)), maps


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
            raise BenchError(f"backbone {name!r} is not convolutional: expected feature maps of shape (n, c, h, w)")

    def _widen_stem(self) -> None:
        """Let the first convolution and the pool behind it keep the size of the image."""
        first = next(layer for layer in self.net.modules() if isinstance(layer, nn.Conv2d))
        first.stride = (1, 1)
        if isinstance(getattr(self.net, "maxpool", None), nn.Module):
            self.net.maxpool = nn.Identity()

    def forward(self, images: Images) -> list[Tensor]:
        last, maps = self.net.forward_intermediates(images)
        return [*maps[:-1], last]
