"""Who listens while a model trains: TensorBoard curves on disk, and the host's progress bar."""

import time
from pathlib import Path
from typing import Any

from bench.run import Progress

EMIT_EVERY = 0.25  # seconds between two messages to the progress bar


class Curves(Progress):
    """Write every look at the losses as TensorBoard events, and pass some on to `emit`."""

    def __init__(self, folder: Path, emit: Any) -> None:
        from torch.utils.tensorboard.writer import SummaryWriter

        self._writer, self._emit, self._emitted = SummaryWriter(str(folder)), emit, 0.0

    def __call__(self, phase: str, images: int, of: int, scalars: dict[str, float]) -> None:
        for name, value in scalars.items():
            self._writer.add_scalar(f"{phase}/{name}", value, images)
        if time.monotonic() - self._emitted > EMIT_EVERY or images >= of:
            self._emitted = time.monotonic()
            self._emit(phase=phase, images=images, of=of, scalars=scalars)

    def close(self) -> None:
        self._writer.close()
