"""The GPUs of this machine: which of them `--device` means, and how a process is made to see one alone."""

import os
import re
from collections.abc import Sequence

from bench.errors import BenchError


def visible_gpus() -> list[str]:
    """The name of each GPU that this process may use; empty without CUDA."""
    import torch

    if not torch.cuda.is_available():
        return []
    return [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]


def named_gpus(device: str) -> list[int] | None:
    """`cuda:0,2` as numbers; None for any other text."""
    match = re.fullmatch(r"cuda:(\d{1,4}(?:,\d{1,4})*)", device, re.ASCII)
    return list(map(int, match[1].split(","))) if match else None


def choose_gpus(device: str, names: Sequence[str]) -> tuple[list[int], list[int]]:
    """Which of the GPUs `names` to use for `cuda` or `cuda:0,2`, and which to leave out: `cuda` means all that are like the first.

    Raises `BenchError` if one is missing or given twice, or if they differ: the device is part of every result.
    """
    asked = named_gpus(device)
    if asked is None:
        chosen = [index for index, name in enumerate(names) if name == names[0]]
        return chosen, [index for index in range(len(names)) if index not in chosen]
    for index in asked:
        if index >= len(names):
            raise BenchError(
                f"device {device!r} not found ({len(names)} CUDA devices available); try --device "
                + ("cuda" if names else "cpu")
            )
        if names[index] != names[asked[0]]:
            raise BenchError(
                f"--device {device}: expected GPUs of one kind, since the device is part of every result; "
                f"cuda:{asked[0]} is {names[asked[0]]}, cuda:{index} is {names[index]}"
            )
    if len(set(asked)) < len(asked):
        raise BenchError(f"--device {device}: a GPU is given twice")
    return asked, []


def masks(chosen: Sequence[int]) -> tuple[str, ...]:
    """The value of CUDA_VISIBLE_DEVICES for a process that is to see one of the chosen GPUs alone."""
    outer = [part.strip() for part in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if part.strip()]
    return tuple(outer[index] if index < len(outer) else str(index) for index in chosen)
