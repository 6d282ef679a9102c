"""Tasks that wait: for others to end, and for a place to run in. Every step costs the same for 10 and 10,000 tasks."""

import heapq
from collections.abc import Sequence

from bench.execution.executors.base import Task


class Waiting:
    """Tasks that have not started. A task is ready when all tasks that it comes after have ended."""

    def __init__(self, tasks: Sequence[Task]) -> None:
        self._tasks = list(tasks)
        names = {task.name for task in tasks}
        self._missing = [len(task.after & names) for task in tasks]
        self._followers: dict[str, list[int]] = {}
        for number, task in enumerate(tasks):
            for name in task.after & names:
                self._followers.setdefault(name, []).append(number)
        self._ready = [number for number, missing in enumerate(self._missing) if not missing]  # sorted: a heap
        self._left = len(self._tasks)

    def __len__(self) -> int:
        return self._left

    def next(self) -> Task | None:
        """Take the first task that is ready; None if there is none."""
        if not self._ready:
            return None
        self._left -= 1
        return self._tasks[heapq.heappop(self._ready)]

    def all_ready(self) -> list[Task]:
        """Take every task that is ready."""
        found = []
        while task := self.next():
            found.append(task)
        return found

    def end(self, task: Task) -> None:
        """A task has ended: those that waited for nothing else are ready."""
        for number in self._followers.pop(task.name, ()):
            self._missing[number] -= 1
            if not self._missing[number]:
                heapq.heappush(self._ready, number)


class Places:
    """Where tasks run at the same time: `jobs` places, spread evenly over GPUs if there are any."""

    def __init__(self, jobs: int, gpus: Sequence[str] = ()) -> None:
        self._gpus = [gpus[place % len(gpus)] if gpus else None for place in range(jobs)]
        self._free = list(range(jobs))

    def take(self) -> int | None:
        """The free place on the GPU with the fewest tasks; None if all are taken."""
        return heapq.heappop(self._free) if self._free else None

    def gpu(self, place: int) -> str | None:
        """What CUDA_VISIBLE_DEVICES is there; None on a CPU."""
        return self._gpus[place]

    def give_back(self, place: int) -> None:
        heapq.heappush(self._free, place)
