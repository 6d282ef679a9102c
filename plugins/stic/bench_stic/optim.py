"""How weights move: Adam, a linear warm-up, and the two decays of the official schedule."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LambdaLR

from bench_stic.config import CommonConfig

DECAY, AFTER = 0.3, (0.8, 0.9)  # the official 160 and 180 of 200 epochs


def adam(parameters: Iterable[nn.Parameter], config: CommonConfig, steps: int) -> tuple[torch.optim.Adam, LambdaLR]:
    """The optimizer of a training of `steps` steps, and its schedule."""
    optimizer = torch.optim.Adam(parameters, config.lr, betas=(0.9, 0.999), fused=True)
    warmup = max(1.0, config.lr_warmup * steps)

    def factor(step: int) -> float:
        return min((step + 1) / warmup, 1.0) * DECAY ** sum(step >= share * steps for share in AFTER)

    return optimizer, LambdaLR(optimizer, factor)


def descend(loss: Tensor, optimizer: torch.optim.Adam, schedule: LambdaLR) -> None:
    """One step down the gradient of `loss`."""
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
    schedule.step()
