"""Training curves on disk, and progress for the host."""

import time
from pathlib import Path

from bench.training_run import Progress

KEPT = 400  # points of a curve
REPORT_EVERY = 0.25  # seconds between two reports to the host


class Curves(Progress):
    """Write all scalars as TensorBoard events, and pass some of the calls on to `progress`."""

    def __init__(self, folder: Path, progress: Progress) -> None:
        from torch.utils.tensorboard.writer import SummaryWriter

        self._writer, self._progress, self._reported = SummaryWriter(str(folder)), progress, 0.0

    def __call__(self, phase: str, images: int, of: int, scalars: dict[str, float]) -> None:
        for name, value in scalars.items():
            self._writer.add_scalar(f"{phase}/{name}", value, images)
        if time.monotonic() - self._reported > REPORT_EVERY or images >= of:
            self._reported = time.monotonic()
            self._progress(phase, images, of, scalars)

    def close(self) -> None:
        self._writer.close()


def read_curves(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """All scalars in a TensorBoard folder, those of interrupted processes too: by name, images seen and value."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder), {"scalars": KEPT})
    events.Reload()
    return {name: [(event.step, event.value) for event in events.Scalars(name)] for name in events.Tags()["scalars"]}
