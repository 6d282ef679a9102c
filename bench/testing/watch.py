"""Detect side effects of plugins: process settings, random states, files, threads and processes."""

import random
import tempfile
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import chdir, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import torch
from torch import Tensor

from bench.api import Data, Images, Labels
from bench.testing.promise import require
from bench.training_run import Run, Stateful, derive_seed
from bench.util import process_state as surroundings


@dataclass
class Watched:
    """The side effects of a watched block."""

    settings: list[str] = field(default_factory=list)  # of the process
    files: list[str] = field(default_factory=list)  # new ones in the working directory
    alive: list[str] = field(default_factory=list)  # new threads and processes


@contextmanager
def watching() -> Iterator[Watched]:
    """Run a block in an empty working directory and record its side effects. Restores the settings."""
    watched = Watched()
    with (
        tempfile.TemporaryDirectory() as folder,
        chdir(folder),
        torch.random.fork_rng(range(torch.cuda.device_count())),
    ):
        kept = random.getstate(), np.random.get_state()
        _seed_all()
        before, alive = settings(), _alive()
        try:
            yield watched
        finally:
            after = settings()
            watched.settings = surroundings.differences(before, after)
            watched.files = sorted(path.name for path in Path(folder).iterdir())
            watched.alive = sorted(_alive() - alive)
            random.setstate(kept[0])
            np.random.set_state(kept[1])
            _restore(before)


@contextmanager
def without_side_effects(what: str) -> Iterator[None]:
    """Run a block as `watching` does, and require that it had no side effect. `what` names the block in the failure."""
    with watching() as watched:
        yield
    changed = watched.settings + watched.files + watched.alive
    require(not changed, f"{what} changed {', '.join(changed)}")


def settings() -> dict[str, Any]:
    """The process settings and random states that a plugin could change, by name."""
    return {
        "torch's global random state": torch.get_rng_state().numpy().tobytes(),
        "the device's global random state": [state.numpy().tobytes() for state in _device_states()],
        **surroundings.random_states(),
        **surroundings.settings(),
    }


def _seed_all() -> None:
    """Set the global random states to values that no seed of a plugin gives."""
    torch.manual_seed(derive_seed("watching"))
    random.seed(derive_seed("watching"))
    np.random.seed(derive_seed("watching") % 2**32)


def _restore(before: Mapping[str, Any]) -> None:
    surroundings.put_back({name: before[name] for name in surroundings.SETTINGS})


def _device_states() -> list[Tensor]:
    return torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []


def _alive() -> set[str]:
    threads = {f"thread {thread.name}" for thread in threading.enumerate()}
    return threads | {f"process {child.pid}" for child in psutil.Process().children(recursive=True)}


class Interrupted(Exception):
    """The run was stopped in the middle of a fit, as if its process had died."""


class WatchedRun(Run):
    """A run that counts the batches and images of a fit, and can stop after `stop_after` batches."""

    stop_after: int | None = None
    seen_batches = 0
    seen_images = 0
    largest_batch = 0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.logged: set[str] = set()

    def log(self, **scalars: Tensor | float) -> None:
        """Record the names."""
        self.logged.update(scalars)
        super().log(**scalars)

    def batches(
        self, data: Data, batch_size: int, images: int, *, phase: str = "train", keep: Iterable[Stateful] = ()
    ) -> Iterator[tuple[Images, Labels]]:
        """Count the batches. Raises `Interrupted` after `stop_after` batches."""
        for batch in super().batches(data, batch_size, images, phase=phase, keep=keep):
            if self.seen_batches == self.stop_after:
                raise Interrupted
            self.seen_batches += 1
            self.seen_images += batch_size
            self.largest_batch = max(self.largest_batch, batch_size)
            yield batch
