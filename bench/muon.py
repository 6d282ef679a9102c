"""Muon (K. Jordan et al., 2024, https://kellerjordan.github.io/posts/muon): momentum with singular values of one.

With a budget of a few epochs, a small convolutional network learns much faster with it than with AdamW or SGD. The Muon
of torch does not support convolution kernels, and that of timm always computes in bfloat16, which is slow on a CPU without
bfloat16 instructions. Here the dtype is an argument.
"""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)  # maps any singular value in (0, 1] to about 0.7 to 1.2 in five steps
STEPS = 5
RMS = 0.2  # root mean square of an update at lr = 1, as AdamW's (arXiv 2502.16982, 2.2)


def hidden_weights(module: nn.Module) -> list[Tensor]:
    """The weights of all linear and convolutional layers, for Muon (exclude that of the last layer if possible)."""
    return [layer.weight for layer in module.modules() if isinstance(layer, nn.Conv2d | nn.Linear)]


def orthogonalized(matrix: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """The nearest matrix (r, c) with singular values of about one, computed in `dtype`."""
    a, b, c = NEWTON_SCHULZ
    tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.mT if tall else matrix
    x = (x / (x.norm() + 1e-7)).to(dtype)
    for _ in range(STEPS):
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    return (x.mT if tall else x).to(matrix.dtype)


class Muon(Optimizer):
    """An optimizer for weights of hidden linear and convolutional layers; a kernel (o, i, h, w) is a matrix (o, i h w)."""

    def __init__(
        self,
        params: Iterable[Tensor],
        lr: float,
        *,
        momentum: float = 0.95,
        weight_decay: float = 0.0,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})
        self._dtype = dtype

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is not None:
                    self._step(weight, weight.grad, **{key: group[key] for key in ("lr", "momentum", "weight_decay")})

    def _step(self, weight: Tensor, gradient: Tensor, lr: float, momentum: float, weight_decay: float) -> None:
        average = self.state[weight].setdefault("momentum", torch.zeros_like(gradient))
        average.lerp_(gradient, 1 - momentum)
        update = orthogonalized(gradient.lerp(average, momentum).flatten(1), self._dtype)  # Nesterov
        weight.mul_(1 - lr * weight_decay)
        weight.add_(update.view_as(weight), alpha=-lr * RMS * max(update.shape) ** 0.5)
