"""What is sent to a node: tasks with their limits, and what the node must have to be allowed to do them."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from bench.execution.executors.base import Limits, Task
from bench.execution.executors.needs import Needs
from bench.execution.messages import decode_assignment, encode_assignment


@dataclass(frozen=True)
class Errand:
    """Tasks for one node, of which `at_once` run at the same time."""

    tasks: tuple[Task, ...]
    at_once: int
    limits: Limits  # a limit of memory or file size that is None is the node's to find
    needs: Needs
    runs: Path  # the mark in the folder of the runs, see marks.py
    cache: Path  # likewise

    def of(self, tasks: Sequence[Task]) -> "Errand":
        """The same for some of the tasks."""
        return replace(self, tasks=tuple(tasks))


def encode_errand(errand: Errand) -> bytes:
    tasks = [{"name": task.name, "assignment": encode_assignment(task.assignment).decode()} for task in errand.tasks]
    parts = {"tasks": tasks, "at_once": errand.at_once, "limits": asdict(errand.limits), "needs": asdict(errand.needs)}
    return json.dumps(parts | {"runs": str(errand.runs), "cache": str(errand.cache)}).encode()


def decode_errand(payload: bytes) -> Errand:
    """What `encode_errand` wrote."""
    parts = json.loads(payload)
    tasks = tuple(Task(task["name"], decode_assignment(task["assignment"].encode())) for task in parts["tasks"])
    needs, limits = Needs.from_dict(parts["needs"]), Limits(**parts["limits"])
    return Errand(tasks, parts["at_once"], limits, needs, Path(parts["runs"]), Path(parts["cache"]))
