"""Freeze networks: no gradient to their weights, always in eval mode, gradient to the input intact."""

from types import MethodType
from typing import TypeVar

from torch import nn

Module = TypeVar("Module", bound=nn.Module)


def freeze(module: Module) -> Module:
    """Freeze `module` permanently, in place: `train()` has no effect afterwards. Returns `module`."""
    module.eval().requires_grad_(False)
    for part in module.modules():
        part.train = MethodType(_stay, part)  # type: ignore[method-assign]
    return module


def _stay(part: nn.Module, mode: bool = True) -> nn.Module:
    """Stay in eval mode."""
    return part
