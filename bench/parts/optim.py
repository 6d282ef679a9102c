"""Optimizers with a warm-up and a cosine, a count of their steps, and the moving average of a module."""

import math
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LambdaLR

from bench.muon import Muon, hidden_weights

ADAMW = 0.25  # the learning rate of AdamW as a share of Muon's


class Scheduled:
    """Optimizers on one schedule of `steps` steps: a linear warm-up over a share of them, and a cosine to 0."""

    def __init__(self, optimizers: list[torch.optim.Optimizer], steps: int, warmup: float) -> None:
        self.optimizers = optimizers
        self._steps, self._warmup = steps, max(1.0, warmup * steps)
        self.schedules = [LambdaLR(optimizer, self._factor) for optimizer in self.optimizers]
        self._parts: list[Any] = [*self.optimizers, *self.schedules]

    def _factor(self, step: int) -> float:
        return min((step + 1) / self._warmup, 0.5 + 0.5 * math.cos(math.pi * min(step / self._steps, 1)))

    def step(self, loss: Tensor) -> None:
        """Backpropagate `loss` and update all parameters."""
        for optimizer in self.optimizers:
            optimizer.zero_grad(set_to_none=True)
        loss.backward()
        for part in self._parts:
            part.step()

    def state_dict(self) -> dict[str, Any]:
        return {"parts": [part.state_dict() for part in self._parts]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        for part, state in zip(self._parts, state_dict["parts"], strict=True):
            part.load_state_dict(state)


class MuonAdamW(Scheduled):
    """Muon for kernels and matrices and AdamW for all other parameters, both on one schedule of `steps` steps.

    Pass the weights of output layers as `outputs`, for AdamW: Muon moves all directions of a matrix alike, which
    without a norm behind it changes the output as much. Parameters in `faster` (in `module` or not) have `speed` times
    the learning rate of AdamW and no weight decay. Pass it to `keep=` of `run.batches`.
    """

    def __init__(
        self,
        module: nn.Module,
        lr: float,
        steps: int,
        *,
        precision: str = "float32",
        warmup: float = 0.1,  # fraction of the steps
        weight_decay: float = 0.0,
        outputs: Iterable[Tensor] = (),
        faster: Iterable[Tensor] = (),
        speed: float = 10.0,
    ) -> None:
        last, faster = {id(weight) for weight in outputs}, list(faster)
        hidden = [weight for weight in hidden_weights(module) if id(weight) not in last]
        taken = {id(weight) for weight in (*hidden, *faster)}
        rest: list[dict[str, Any]] = [{"params": [it for it in module.parameters() if id(it) not in taken]}]
        if faster:
            rest.append({"params": faster, "lr": speed * ADAMW * lr, "weight_decay": 0.0})
        dtype = torch.bfloat16 if precision == "bfloat16" else torch.float32
        optimizers: list[torch.optim.Optimizer] = [
            Muon(hidden, lr, weight_decay=weight_decay, dtype=dtype),
            torch.optim.AdamW(rest, ADAMW * lr, weight_decay=weight_decay, betas=(0.9, 0.95), fused=True),
        ]
        super().__init__(optimizers, steps, warmup)


class Adam(Scheduled):
    """Adam for all parameters, with betas of 0.9 and 0.999."""

    def __init__(self, module: nn.Module, lr: float, steps: int, *, warmup: float = 0.1) -> None:
        super().__init__([torch.optim.Adam(module.parameters(), lr, fused=True)], steps, warmup)


class StepCount:
    """How many steps were taken: pass it to `keep=`, so that a resumed training knows."""

    def __init__(self) -> None:
        self.done = 0

    def state_dict(self) -> dict[str, Any]:
        return {"done": self.done}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.done = int(state_dict["done"])


class MovingAverage:
    """The moving average of all floating-point state of a module, warmed up: decay = min(decay, (1 + t) / (10 + t))."""

    def __init__(self, module: nn.Module, decay: float) -> None:
        self.decay, self.steps = decay, 0
        self.values = {name: value.detach().clone() for name, value in module.state_dict().items()}

    @torch.no_grad()
    def update(self, module: nn.Module) -> None:
        """Update the average with the weights of `module`."""
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
