"""The state of a process that a plugin could change, and differences between two states."""

import os
import random
import signal
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

STEERING = ("BENCH_", "CUDA_", "MKL_", "OMP_", "PYTORCH_", "TORCH_")  # prefixes of variables that a plugin must not add


def settings() -> dict[str, Any]:
    """All settings except random states, by a name for the user."""
    return {
        "torch's default dtype": torch.get_default_dtype(),
        "torch's default device": torch.get_default_device(),
        "torch's number of threads": torch.get_num_threads(),
        "torch's grad mode": torch.is_grad_enabled(),
        "torch's deterministic mode": torch.are_deterministic_algorithms_enabled(),
        "torch's matmul precision": torch.get_float32_matmul_precision(),
        "cudnn's flags": (torch.backends.cudnn.benchmark, torch.backends.cudnn.deterministic),
        "the working directory": os.path.realpath(os.curdir),
        "signal handlers": [signal.getsignal(number) for number in sorted(signal.valid_signals())],
    }


def random_states() -> dict[str, Any]:
    """The states of NumPy and Python. Checkpoints do not contain them, so a model that uses them cannot resume exactly."""
    name, keys, *rest = np.random.get_state()
    return {
        "numpy's global random state": (name, np.asarray(keys).tobytes(), *rest),
        "python's global random state": random.getstate(),
    }


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """The names whose values differ."""
    return [name for name in before if before[name] != after[name]]


def changed_variables(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """Environment variables that were changed or removed, or that were added and affect other libraries."""
    changed = [name for name in before if after.get(name) != before[name]]
    return sorted(changed + [name for name in after if name not in before and name.startswith(STEERING)])
