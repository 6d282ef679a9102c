"""How weights move: as the suite's short budgets want it, or as the authors' release does."""

from collections.abc import Iterable
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from bench.parts.optim import MuonAdamW
from bench_dr_vae.config import DrVaeConfig


class Steps(Protocol):
    """What both have; goes into `keep=`."""

    def step(self, loss: Tensor) -> None: ...
    def state_dict(self) -> dict[str, Any]: ...
    def load_state_dict(self, state_dict: dict[str, Any]) -> None: ...


class Constant:
    """Adam at a constant rate, the log-sigmas at `speed` times it."""

    def __init__(self, module: nn.Module, lr: float, faster: Iterable[Tensor], speed: float) -> None:
        sigmas = list(faster)
        taken = {id(it) for it in sigmas}
        rest = [it for it in module.parameters() if id(it) not in taken]
        groups: list[dict[str, Any]] = [{"params": rest}, {"params": sigmas, "lr": speed * lr}]
        self.adam = torch.optim.Adam(groups, lr, fused=True)

    def step(self, loss: Tensor) -> None:
        """One step down the gradient of `loss`."""
        self.adam.zero_grad(set_to_none=True)
        loss.backward()
        self.adam.step()

    def state_dict(self) -> dict[str, Any]:
        return self.adam.state_dict()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.adam.load_state_dict(state_dict)


def steps_of(
    config: DrVaeConfig,
    module: nn.Module,
    lr: float,
    steps: int,
    precision: str,
    outputs: Iterable[Tensor] = (),
    faster: Iterable[Tensor] = (),
) -> Steps:
    """The optimizer of one stage of `steps` steps."""
    if config.optimizer == "adam":
        return Constant(module, lr, faster, config.sigma_speed)
    return MuonAdamW(
        module, lr, steps, precision=precision, warmup=config.warmup, outputs=outputs, faster=faster,
        speed=config.sigma_speed,
    )  # fmt: skip
