"""Defaults of `bench run` that depend on the machine, told without importing torch."""

from glob import glob
from typing import Literal

EXAMINERS = {"guide": "resnet-xs", "judge": "resnet-s"}


def default_budget(device: str) -> str:
    """`quick` on a CPU, `standard` on a GPU."""
    if device == "cpu" or (device == "auto" and not glob("/dev/nvidia[0-9]*")):
        return "quick"
    if device == "auto":  # a driver alone does not make a usable GPU
        import torch

        return "standard" if torch.cuda.is_available() else "quick"
    return "standard"


def default_examiner(role: Literal["guide", "judge"]) -> str:
    return EXAMINERS[role]
