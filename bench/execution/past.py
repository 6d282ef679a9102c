"""How long jobs took in earlier runs, read once for all jobs of a plan."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.experiment.job import Job
from bench.results.run_dir import RunDir, jobs_in, look

SPENT = "spent.json"  # what a job took from its start to its end
Kind = tuple[str, str, str]  # entry, data set, device


@dataclass(frozen=True)
class _Took:
    """The latest run of its kind."""

    when: float  # when its folder changed
    value: float


class Past:
    """The speed of trainings, and what jobs take besides, from the run directories in `runs`."""

    def __init__(self, runs: Path) -> None:
        self._speeds: dict[Kind, _Took] = {}  # training images per second
        self._besides: dict[tuple[str, ...], _Took] = {}  # seconds, by kind and budget
        for folder, written in jobs_in(runs):
            job = written["job"]
            kind = (job["entry"], job["dataset"], job["device"])
            when = folder.stat().st_mtime
            _keep(self._speeds, kind, when, look(folder / "train.json", _speed))
            _keep(self._besides, (*kind, str(job.get("budget"))), when, look(folder / SPENT, _rest))

    def seconds(self, job: Job) -> float | None:
        """How long a job may take; None if no earlier run of its method says how fast it trains."""
        kind = (job.entry, job.dataset, job.device)
        rest = self._besides.get((*kind, job.budget))
        besides = rest.value if rest else 0.0
        if not job.images:
            return besides
        speed = self._speeds.get(kind)
        return job.images / speed.value + besides if speed else None


def note_spent(folder: RunDir, seconds: float) -> None:
    """Write how long a job took that was done in one go, and how much of that was not its training."""
    training = folder.costs("train.json").get("train-seconds", 0.0)
    folder.write(SPENT, {"seconds": seconds, "besides": max(0.0, seconds - training)})


def total(seconds: Iterable[float | None]) -> tuple[float, float, int]:
    """The sum and the largest of what is known, and how many are unknown."""
    known, unknown = [], 0
    for one in seconds:
        if one is None:
            unknown += 1
        else:
            known.append(one)
    return sum(known), max(known, default=0.0), unknown


def _keep(found: dict[Any, _Took], kind: Any, when: float, value: float | None) -> None:
    if value and (kind not in found or found[kind].when <= when):
        found[kind] = _Took(when, value)


def _speed(content: Any) -> float:
    return float(content["costs"]["images-per-second"])


def _rest(content: Any) -> float:
    return float(content["besides"])
