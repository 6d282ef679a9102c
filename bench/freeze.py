"""Networks that are lent but never changed: no gradient to their weights, always in eval mode, gradient to the input kept."""

from types import MethodType
from typing import TypeVar

from torch import nn

Module = TypeVar("Module", bound=nn.Module)


def freeze(module: Module) -> Module:
    """Freeze `module` for good, in place: `train()` has no effect on it any more."""
    module.eval().requires_grad_(False)
    for part in module.modules():
        part.train = MethodType(_stay, part)  # type: ignore[method-assign]
    return module


def _stay(part: nn.Module, mode: bool = True) -> nn.Module:
    """Stay in eval mode."""
    return part
