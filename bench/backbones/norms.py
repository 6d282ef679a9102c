"""Normalisation layers that look at one image at a time, in place of BatchNorm, which looks at the whole batch."""

from math import gcd
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

Norm = Literal["batch", "group", "layer", "none"]
GROUPS = 8  # channels per group would be 2 to 12 in the presets: few enough to differ, enough for statistics


class Affine(nn.Module):
    """A scale and a shift per channel and no statistics: what is left of a normalisation layer without them."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(channels)), nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        shape = (1, -1) + (1,) * (x.ndim - 2)
        return x * self.weight.to(x.dtype).view(shape) + self.bias.to(x.dtype).view(shape)


def replace_batch_norm(model: nn.Module, norm: Norm) -> None:
    """Swap every BatchNorm of `model` for `norm`, keeping scales and shifts (so blocks that start at zero still do)."""
    if norm == "batch":
        return
    for parent in list(model.modules()):
        for name, child in parent.named_children():
            if isinstance(child, _BatchNorm):
                setattr(parent, name, _substitute(child, norm))


def _substitute(old: Any, norm: Norm) -> nn.Module:
    channels = old.num_features
    groups = {"group": gcd(GROUPS, channels), "layer": 1}.get(norm)
    new: nn.Module = nn.GroupNorm(groups, channels, eps=old.eps) if groups else Affine(channels)
    if old.affine:
        new.load_state_dict({"weight": old.weight.detach(), "bias": old.bias.detach()})
    if not hasattr(old, "act"):
        return new
    return nn.Sequential(new, old.drop, old.act)  # timm's BatchNormAct2d
