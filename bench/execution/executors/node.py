"""On a node: check that it has what the plan needs, then run the tasks of an errand as on any machine."""

import os
import socket
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from bench.execution.conditions import Conditions
from bench.execution.executors.base import Limits, Task
from bench.execution.executors.errand import Errand
from bench.execution.executors.local import LocalExecutor
from bench.execution.executors.marks import is_held
from bench.execution.executors.needs import complaint
from bench.execution.executors.reports import Refusal, Report
from bench.execution.messages import Event, Progressed
from bench.experiment.defaults import JOB_MEMORY

EVERY = 1.0  # seconds between two reports on the progress of a task


def refusal_of(errand: Errand, shared: bool = True) -> Refusal | None:
    """Why this node must not do the errand; None if it may. `shared`: it needs the folders of the host."""
    why = complaint(errand.needs)
    for mark, what in ((errand.runs, "the run directories"), (errand.cache, "the cache")):
        if why:
            break
        if mark.exists():
            why = "" if is_held(mark) else _unlocked(mark.parent)
        elif shared:
            why = f"{what} in {mark.parent} cannot be seen there: expected a folder that all nodes share"
    return Refusal(socket.gethostname(), why) if why else None


def _unlocked(folder: Path) -> str:
    return (
        f"locks in {folder} do not reach it, so two machines could write there at once: expected a file system with "
        "locks for all nodes, e.g. NFS mounted without nolock and local_lock"
    )


def run_errand(errand: Errand, gpus: Sequence[str]) -> Iterator[Report]:
    """Run the tasks on this machine. Progress is reported now and then, everything else at once."""
    limits = _own_limits(errand)
    tasks = [_limited(task, limits) for task in errand.tasks]
    told: dict[str, tuple[str, float]] = {}
    for task, event in LocalExecutor(errand.at_once, tuple(gpus)).run(tasks, limits):
        if _is_worth_telling(task.name, event, told):
            yield Report(task.name, event)


def _is_worth_telling(name: str, event: Event, told: dict[str, tuple[str, float]]) -> bool:
    if not isinstance(event, Progressed):
        return True
    phase, when = told.get(name, ("", 0.0))
    if phase == event.phase and time.monotonic() - when < EVERY:
        return False
    told[name] = (event.phase, time.monotonic())
    return True


def _own_limits(errand: Errand) -> Limits:
    """An even share of this node stands for limits of memory and file size that the user did not give."""
    runs = errand.tasks[0].assignment.settings.runs
    places, given = _places(errand), Conditions(runs=runs)
    memory = errand.limits.memory_mb or given.memory_mb(places)
    return Limits(errand.limits.seconds, memory, errand.limits.file_mb or given.file_mb(places))


def _places(errand: Errand) -> int:
    """How many jobs such as these fit on this node at the same time."""
    import psutil

    threads, memory = errand.needs.threads, psutil.virtual_memory().total
    return max(errand.at_once, min((os.cpu_count() or 1) // threads, memory // JOB_MEMORY))


def _limited(task: Task, limits: Limits) -> Task:
    settings = replace(task.assignment.settings, file_mb=limits.file_mb)
    return replace(task, assignment=replace(task.assignment, settings=settings))
