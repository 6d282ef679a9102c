"""Tasks on the nodes of a Ray cluster. A task whose node is lost starts again; files come back if no file system is shared."""

import logging
import os
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.errors import BenchError
from bench.execution.executors.base import Limits, Task
from bench.execution.executors.errand import Errand, encode_errand
from bench.execution.executors.marks import marked
from bench.execution.executors.needs import Needs
from bench.execution.executors.parcel import Part, Unpacker, parts_of
from bench.execution.executors.ray_connection import connect, elsewhere, nodes_with, on_any_node, places
from bench.execution.executors.ray_node import CLASSIFIERS, RUN, Luggage
from bench.execution.executors.reports import Report, parse_report
from bench.execution.executors.waiting import Waiting
from bench.execution.messages import Ended, Event, Progressed, RunJob
from bench.experiment.device import Device
from bench.experiment.request import RunRequest
from bench.results.run_dir import RunDir
from bench.util.failure import explain

POLL = 0.5  # seconds to wait for news
RETRIES = 3
VARIABLES = ("BENCH_DATA", "BENCH_INCEPTION")
logger = logging.getLogger("bench")


@dataclass
class _Flight:
    """A task that Ray has been given."""

    task: Task
    files: Unpacker
    node: str = ""  # its id, once it runs
    over: bool = False


@dataclass
class RayExecutor:
    """One Ray task for each task. `keys`: of the guide, the judge and the probe in the cache."""

    request: RunRequest
    needs: Needs
    runs: Path
    cache: Path
    keys: tuple[str, ...]
    overlaps = False

    def __post_init__(self) -> None:
        self.runs, self.cache = self.runs.absolute(), self.cache.absolute()
        self.cpus, self.gpus = share_of(self.request)
        self.ray = connect(self.request.engine)
        self._call = self.ray.remote(on_any_node("run_on_node"))  # one for all tasks, so that Ray reuses its processes
        self.refused: dict[str, str] = {}  # by the id of a node: why it is not used
        self._again = deque[Task]()  # to start once more
        self._lost: dict[str, int] = {}  # by task: how often its node was lost
        self._packed: dict[str, Any] = {}  # by key: references to the files of classifiers
        self._classifiers = Unpacker(self.cache / CLASSIFIERS)

    def run(self, tasks: Sequence[Task], limits: Limits) -> Iterator[tuple[Task, Event]]:
        """As every executor. Leaving the loop early ends the tasks on all nodes; so does the end of this process."""
        waiting, flying = Waiting(tasks), dict[Any, _Flight]()
        self._warn_of_no_room()
        try:
            with marked([self.runs, self.cache]) as marks:
                while waiting or self._again or flying:
                    while len(flying) < self._most() and (task := self._take(waiting)):
                        flying[self._start(task, limits, *marks)] = _Flight(task, Unpacker(self._folder(task)))
                    ready, _ = self.ray.wait(list(flying), num_returns=1, timeout=POLL, fetch_local=False)
                    for stream in ready:
                        flight = flying[stream]
                        event = self._next(stream, flight)
                        if flight.over:
                            del flying[stream]
                        if isinstance(event, Ended):
                            waiting.end(flight.task)
                        if event is not None:
                            yield flight.task, event
        finally:
            for stream in flying:
                self.ray.cancel(stream, force=True)

    def _most(self) -> int:
        """How many tasks Ray is given: some wait there, so that a node never does."""
        return self.request.jobs or 2 * places(self.ray, self.cpus, self.gpus)

    def _take(self, waiting: Waiting) -> Task | None:
        return self._again.popleft() if self._again else waiting.next()

    def _start(self, task: Task, limits: Limits, runs: Path, cache: Path) -> Any:
        errand = Errand((task,), 1, limits, self.needs, runs, cache)
        where = elsewhere(self.refused)
        share = {"num_cpus": self.cpus, "num_gpus": self.gpus, "max_retries": 0, "num_returns": "streaming"}
        return self._call.options(**share, **where).remote(encode_errand(errand), self._luggage(task))

    def _luggage(self, task: Task) -> Luggage:
        folder = self._folder(task)
        begun = isinstance(task.assignment, RunJob) and any(folder.rglob("*"))
        for key in self.keys:
            if key not in self._packed and (classifier := self.cache / "classifiers" / key).exists():
                self._packed[key] = self._put(classifier)
        here = {name: os.environ[name] for name in VARIABLES if name in os.environ}
        return Luggage(self._put(folder) if begun else None, dict(self._packed), self.keys, here)

    def _put(self, folder: Path) -> Any:
        return self.ray.put([(part.path, part.content, part.more) for part in parts_of(folder)])

    def _folder(self, task: Task) -> Path:
        """Where the files of a task belong."""
        assignment = task.assignment
        return RunDir(self.runs, assignment.job).path if isinstance(assignment, RunJob) else assignment.log.parent

    def _next(self, stream: Any, flight: _Flight) -> Event | None:
        """What a task has to say; None if it is of no interest to others."""
        errors = self.ray.exceptions
        try:
            kind, value = self.ray.get(next(stream))
        except StopIteration:
            return self._start_again(flight)
        except errors.RayTaskError as error:  # a bug in what runs on the node
            flight.over = True
            return Ended("failed", explain(error.cause if isinstance(error.cause, Exception) else error))
        except errors.RayError:
            return self._start_again(flight)
        if kind == "node":
            flight.node = value
        elif kind == "refused":
            flight.over = True
            self._refuse(flight.node, value)
            self._again.append(flight.task)
        elif kind == "part":
            self._unpack(flight, value)
        elif isinstance(report := parse_report(value), Report):
            flight.over = isinstance(report.event, Ended)
            return report.event
        return None

    def _start_again(self, flight: _Flight) -> Event:
        flight.over = True
        name, most = flight.task.name, self.request.engine.number("retries", RETRIES)
        self._lost[name] = self._lost.get(name, 0) + 1
        if self._lost[name] > most:
            return Ended("killed", f"its node was lost {self._lost[name]} times (--ray retries={most})")
        self._again.append(flight.task)
        return Progressed("its node was lost: waiting to start again", 0, 1)

    def _refuse(self, node: str, why: str) -> None:
        """Give nothing to this node any more. Raises `BenchError` if no other one has room."""
        there = nodes_with(self.ray, self.cpus, self.gpus)
        name = f"{there.get(node, 'node')} ({node[:8]})"
        if node not in self.refused:
            logger.warning("the node %s is not used: %s", name, why)
        self.refused[node] = why
        if not there.keys() - self.refused.keys():
            raise BenchError(f"--executor ray: no node can be used; {name}: {why}")

    def _unpack(self, flight: _Flight, part: Part) -> None:
        owner, _, name = part.path.partition("/")
        if owner == RUN:
            flight.files.add(Part(name, part.content, part.more))
        elif owner == CLASSIFIERS and name.partition("/")[0] in self.keys:
            self._classifiers.add(Part(name, part.content, part.more))

    def _warn_of_no_room(self) -> None:
        if not nodes_with(self.ray, self.cpus, self.gpus):
            what = f"{self.cpus:g} cores" + (f" and {self.gpus:g} of a GPU" if self.gpus else "")
            logger.warning("no node of the Ray cluster has %s: waiting for one", what)


def share_of(request: RunRequest) -> tuple[int, float]:
    """The cores and the GPUs of a job."""
    engine = request.engine
    return engine.number("cpus", request.threads), engine.gpus if request.device == "cuda" else 0.0


def device_of(request: RunRequest) -> Device:
    """The device of a node of the cluster. Raises `BenchError` if none has what the request asks for."""
    ray, (cpus, gpus) = connect(request.engine), share_of(request)
    refused: dict[str, str] = {}
    while not refused or nodes_with(ray, cpus, gpus).keys() - refused.keys():
        call = ray.remote(on_any_node("describe"))
        share = {"num_cpus": cpus, "num_gpus": gpus, "max_retries": RETRIES, "num_returns": "streaming"}
        stream = call.options(**share, **elsewhere(refused)).remote(request.device, request.threads)
        answers = dict(ray.get(reference) for reference in stream)
        if "answer" in answers:
            return Device(**answers["answer"])
        refused[answers["node"]] = answers["refused"]
    raise BenchError(f"--executor ray: no node can be used: {next(iter(refused.values()))}")


def room(request: RunRequest) -> int:
    """How many jobs the cluster has room for."""
    return places(connect(request.engine), *share_of(request))
