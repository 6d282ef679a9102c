"""How weights move: Adam with the two decays of the official schedule, or Muon with a cosine."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LambdaLR

from bench.parts.optim import MuonAdamW
from bench_stic.config import CommonConfig, SticConfig

DECAY, AFTER = 0.3, (0.8, 0.9)  # the official 160 and 180 of 200 epochs


class StepwiseAdam:
    """Adam with a linear warm-up, whose gradients are cut to the length `longest` if that is not 0."""

    def __init__(self, module: nn.Module, config: CommonConfig, steps: int, longest: float = 0.0) -> None:
        self.parameters, self.longest = list(module.parameters()), longest
        self.optimizer = torch.optim.Adam(self.parameters, config.lr, betas=(0.9, 0.999), fused=True)
        warmup = max(1.0, config.lr_warmup * steps)

        def factor(step: int) -> float:
            return min((step + 1) / warmup, 1.0) * DECAY ** sum(step >= share * steps for share in AFTER)

        self.schedule = LambdaLR(self.optimizer, factor)

    def step(self, loss: Tensor) -> None:
        """One step down the gradient of `loss`."""
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        if self.longest:
            nn.utils.clip_grad_norm_(self.parameters, self.longest)
        self.optimizer.step()
        self.schedule.step()

    def state_dict(self) -> dict[str, Any]:
        return {"optimizer": self.optimizer.state_dict(), "schedule": self.schedule.state_dict()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.optimizer.load_state_dict(state_dict["optimizer"])
        self.schedule.load_state_dict(state_dict["schedule"])


def make_optimizer(net: nn.Module, config: SticConfig, steps: int) -> StepwiseAdam | MuonAdamW:
    """The optimizer of a training of `steps` steps."""
    if config.optimizer == "adam":
        return StepwiseAdam(net, config, steps)
    last = [layer.weight for layer in net.modules() if isinstance(layer, nn.Linear)][-1:]  # the output layer
    return MuonAdamW(net, config.lr, steps, warmup=config.lr_warmup, outputs=last)
