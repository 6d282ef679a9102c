"""Tasks as processes on this machine."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing import connection as mp

from bench.execution.executors.base import Limits, Task
from bench.execution.executors.process import TICK, Worker, end_worker, events_of, start_worker
from bench.execution.executors.waiting import Places, Waiting
from bench.execution.fork_server import server
from bench.execution.messages import Event, Started


@dataclass(frozen=True)
class LocalExecutor:
    """At most `jobs` processes at a time. `gpus`: what CUDA_VISIBLE_DEVICES is in each, in turn; empty on a CPU."""

    jobs: int
    gpus: tuple[str, ...] = ()
    overlaps = True

    def run(self, tasks: Sequence[Task], limits: Limits) -> Iterator[tuple[Task, Event]]:
        """As every executor. Leaving the loop early ends all workers and their children."""
        context, waiting, places = server(), Waiting(tasks), Places(self.jobs, self.gpus)
        working: dict[Worker, int] = {}
        try:
            while waiting or working:
                while (place := places.take()) is not None and (task := waiting.next()):
                    working[start_worker(context, task, places.gpu(place))] = place
                    yield task, Started()
                if place is not None:
                    places.give_back(place)
                ready = mp.wait([worker.pipe for worker in working], TICK)
                for worker in list(working):
                    for event in events_of(worker, worker.pipe in ready, limits):
                        yield worker.task, event
                    if worker.ended:
                        waiting.end(worker.task)
                        end_worker(worker)
                        places.give_back(working.pop(worker))
        finally:
            for worker in working:
                end_worker(worker)
