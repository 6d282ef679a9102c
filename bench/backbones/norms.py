"""Replacements of BatchNorm by normalisation layers that do not mix the images of a batch."""

from math import gcd
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

Norm = Literal["batch", "group", "layer", "none"]
GROUPS = 8  # groups; 2 to 12 channels each in the presets


class Affine(nn.Module):
    """A scale and a shift per channel without statistics: the affine part of a normalisation layer."""

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
