"""The state of a process that a plugin could change, and differences between two states."""

import os
import random
import signal
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import torch

STEERING = ("BENCH_", "CUDA_", "MKL_", "OMP_", "PYTORCH_", "TORCH_")  # prefixes of variables that a plugin must not add


class Setting(NamedTuple):
    """One setting of the process: how to read it, and how to put it back."""

    read: Callable[[], Any]
    write: Callable[[Any], Any]


def _attribute(owner: Any, name: str) -> Setting:
    return Setting(lambda: getattr(owner, name), lambda value: setattr(owner, name, value))


def _handler(number: int) -> Setting:
    """That of a signal. One that torch has set, as a DataLoader with workers does, counts as the default."""

    def read() -> Any:
        handler = signal.getsignal(number)
        return signal.SIG_DFL if str(getattr(handler, "__module__", "")).startswith("torch.") else handler

    return Setting(read, lambda value: signal.signal(number, value))


SETTINGS: dict[str, Setting] = {
    "torch's default dtype": Setting(torch.get_default_dtype, torch.set_default_dtype),
    "torch's default device": Setting(torch.get_default_device, torch.set_default_device),
    "torch's number of threads": Setting(torch.get_num_threads, torch.set_num_threads),
    "torch's grad mode": Setting(torch.is_grad_enabled, torch.set_grad_enabled),
    "torch's deterministic mode": Setting(
        torch.are_deterministic_algorithms_enabled, torch.use_deterministic_algorithms
    ),
    "torch's matmul precision": Setting(torch.get_float32_matmul_precision, torch.set_float32_matmul_precision),
    "torch.backends.cudnn.benchmark": _attribute(torch.backends.cudnn, "benchmark"),
    "torch.backends.cudnn.deterministic": _attribute(torch.backends.cudnn, "deterministic"),
    "the working directory": Setting(lambda: os.path.realpath(os.curdir), os.chdir),
    **{f"the handler of {signal.Signals(number).name}": _handler(number) for number in sorted(signal.valid_signals())
       if number in set(signal.Signals) and number not in (signal.SIGKILL, signal.SIGSTOP)},
}  # fmt: skip


def settings() -> dict[str, Any]:
    """All settings except random states, by a name for the user."""
    return {name: setting.read() for name, setting in SETTINGS.items()}


def put_back(before: Mapping[str, Any]) -> list[str]:
    """Restore the settings in `before` that changed, and say which, from what to what.

    Raises whatever a setter raises.
    """
    changes = []
    for name, value in settings().items():
        if value != before[name]:
            SETTINGS[name].write(before[name])
            changes.append(f"{name} from {_shown(before[name])} to {_shown(value)}")
    return changes


def put_variables_back(before: Mapping[str, str]) -> list[str]:
    """The same for environment variables that steer libraries or that were there before."""
    changes = []
    for name in changed_variables(before, os.environ):
        changes.append(f"${name} from {before.get(name, 'unset')} to {os.environ.get(name, 'unset')}")
        os.environ.pop(name, None)
        os.environ.update({name: before[name]} if name in before else {})
    return changes


def _shown(value: Any) -> str:
    """A value of a setting for the user: functions by their names."""
    return getattr(value, "__qualname__", None) or getattr(value, "name", None) or str(value)


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
