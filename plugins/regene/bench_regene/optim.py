"""How weights move: Adam under a warm-up and a cosine, and the moving average of a module."""

import math
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LambdaLR

from bench_regene.config import ReGeneConfig


def adam(
    parameters: Iterable[nn.Parameter], config: ReGeneConfig, steps: int, weight_decay: float = 0.0
) -> tuple[torch.optim.Adam, LambdaLR]:
    """The optimizer of a stage of so many steps, and its schedule."""
    optimizer = torch.optim.Adam(parameters, config.lr, weight_decay=weight_decay, fused=True)
    warmup = max(1.0, config.warmup * steps)

    def factor(step: int) -> float:
        return min((step + 1) / warmup, 0.5 + 0.5 * math.cos(math.pi * min(step / steps, 1)))

    return optimizer, LambdaLR(optimizer, factor)


def descend(loss: Tensor, optimizer: torch.optim.Adam, schedule: LambdaLR) -> None:
    """One step down the gradient of `loss`."""
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
    schedule.step()


class Average:
    """The moving average of all floating-point state of a module, warmed up: decay = min(decay, (1 + t) / (10 + t))."""

    def __init__(self, module: nn.Module, decay: float) -> None:
        self.decay, self.steps = decay, 0
        self.values = {name: value.detach().clone() for name, value in module.state_dict().items()}

    @torch.no_grad()
    def update(self, module: nn.Module) -> None:
        """Take in the weights after one more step."""
        decay = min(self.decay, (1 + self.steps) / (10 + self.steps))
        self.steps += 1
        for name, value in module.state_dict().items():
            if value.is_floating_point():
                self.values[name].lerp_(value, 1 - decay)
            else:
                self.values[name].copy_(value)

    def state_dict(self) -> dict[str, Any]:
        return {"steps": self.steps, "values": self.values}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.steps = int(state_dict["steps"])
        values: dict[str, Tensor] = state_dict["values"]
        for name, value in self.values.items():
            value.copy_(values[name])
