"""Tasks, their limits, and what every executor promises."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from bench.execution.messages import Assignment, Event, Started


@dataclass(frozen=True)
class Task:
    """A name for the user, what the worker is to do, and the tasks that must end before it starts."""

    name: str
    assignment: Assignment
    after: frozenset[str] = frozenset()
    python: str = ""  # of the environment that it runs in; empty: this one


@dataclass(frozen=True)
class Limits:
    """The limits of one task. The operating system enforces `file_mb` in the worker."""

    seconds: float | None = None
    memory_mb: float | None = None
    file_mb: float | None = None


class Executor(Protocol):
    """Runs tasks, each in a process of its own with a time limit and a memory limit."""

    overlaps: bool  # whether a job may start while the judge and the probe are still being fitted

    def run(self, tasks: Sequence[Task], limits: Limits) -> Iterator[tuple[Task, Event]]:
        """Run the tasks and yield their events, for each task `Ended` last.

        Leaving the loop early ends all tasks that have started. Raises `BenchError` if the machines cannot be used.
        """


def in_order(events: Iterator[tuple[Task, Event]]) -> Iterator[tuple[Task, Event]]:
    """The events with `Started` once and first for each task, also for one that was lost before, or started again."""
    seen: set[str] = set()
    for task, event in events:
        if task.name not in seen:
            seen.add(task.name)
            yield task, Started()
        if not isinstance(event, Started):
            yield task, event
