"""The terms of the two losses that are more than one call (README, section 3). All are taken in float32."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bench import Codes, Labels


class CentreLoss(nn.Module):
    """Mean squared distance of latents to a learnt centre of their class."""

    def __init__(self, classes: int, dim: int) -> None:
        super().__init__()
        self.centres = nn.Parameter(torch.zeros(classes, dim))

    def forward(self, latents: Codes, labels: Labels) -> Tensor:
        return (latents - self.centres[labels]).square().sum(1).mean()


class Variances:
    """Running sums over images for the variance of each layer, a mean over its units."""

    def __init__(self) -> None:
        self.count, self.sums, self.squares = 0, [], []  # type: int, list[Tensor], list[Tensor]

    def add(self, layers: Sequence[Tensor]) -> None:
        """One batch of each layer (n, ...)."""
        if not self.count:
            self.sums = [torch.zeros_like(layer[0], dtype=torch.float64) for layer in layers]
            self.squares = [torch.zeros_like(total) for total in self.sums]
        self.count += len(layers[0])
        for total, squares, layer in zip(self.sums, self.squares, layers, strict=True):
            total += layer.sum(0, dtype=torch.float64)
            squares += layer.square().sum(0, dtype=torch.float64)

    def result(self) -> Tensor:
        """(layers,)"""
        pairs = zip(self.sums, self.squares, strict=True)
        return torch.stack([(s / self.count - (t / self.count).square()).mean() for t, s in pairs]).float()


def feature_loss(layers: Sequence[Tensor], targets: Sequence[Tensor], variances: Tensor) -> Tensor:
    """L_feat: the mean over layers of squared error / variance, the share of a layer that is not explained."""
    errors = [F.mse_loss(a.float(), b.float()) for a, b in zip(layers, targets, strict=True)]
    return (torch.stack(errors) / variances.clamp_min(1e-8)).mean()
