"""Muon (K. Jordan et al., 2024, https://kellerjordan.github.io/posts/muon): momentum whose singular values are made one.

On a budget of a few passes over the data it gets a small convolutional network far further than AdamW or SGD does.
"""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)  # takes any singular value in (0, 1] to about 0.7 to 1.2 in five steps
STEPS = 5
RMS = 0.2  # root mean square of an update at lr = 1, as AdamW's (arXiv 2502.16982, 2.2)


def orthogonalized(matrix: Tensor) -> Tensor:
    """The nearest matrix (r, c) with singular values of about one."""
    a, b, c = NEWTON_SCHULZ
    tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.mT if tall else matrix
    x = x / (x.norm() + 1e-7)
    for _ in range(STEPS):
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.mT if tall else x


class Muon(Optimizer):
    """For the weights of hidden linear and convolutional layers only; a kernel (o, i, h, w) is a matrix (o, i h w)."""

    def __init__(
        self, params: Iterable[Tensor], lr: float, *, momentum: float = 0.95, weight_decay: float = 0.0
    ) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is not None:
                    self._step(weight, weight.grad, **{key: group[key] for key in ("lr", "momentum", "weight_decay")})

    def _step(self, weight: Tensor, gradient: Tensor, lr: float, momentum: float, weight_decay: float) -> None:
        average = self.state[weight].setdefault("momentum", torch.zeros_like(gradient))
        average.lerp_(gradient, 1 - momentum)
        update = orthogonalized(gradient.lerp(average, momentum).flatten(1))  # Nesterov
        weight.mul_(1 - lr * weight_decay)
        weight.add_(update.view_as(weight), alpha=-lr * RMS * max(update.shape) ** 0.5)
