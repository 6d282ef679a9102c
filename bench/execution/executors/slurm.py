"""Tasks as array jobs of Slurm. What comes back are files: reports in the folder of the run, records where they always are."""

import json
import logging
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.errors import BenchError
from bench.execution.executors import slurm_node
from bench.execution.executors.base import Limits, Task
from bench.execution.executors.desk import Desk
from bench.execution.executors.errand import Errand
from bench.execution.executors.marks import PREFIX, is_held, marked
from bench.execution.executors.needs import Needs
from bench.execution.executors.reports import Refusal, Report
from bench.execution.executors.slurm_queue import OVER, SlurmQueue, cancel, minutes_of
from bench.execution.executors.waiting import Waiting
from bench.execution.messages import Ended, Event
from bench.experiment.device import Device
from bench.experiment.keys import content_key
from bench.experiment.request import RunRequest
from bench.util.atomic import Corrupt, read_json, write_atomic

POLL = 0.5  # seconds between two looks at the reports
LOOK = 5.0  # seconds between two questions to Slurm
GRACE = 15.0  # seconds that a file may take to be seen here, after an array job has ended
FOLDER, IDS = "slurm", "array-jobs.json"
logger = logging.getLogger("bench")


@dataclass
class _Sent:
    """An errand in the queue."""

    errand: Errand
    job: str  # its number in Slurm
    left: dict[str, Task]  # by name: those that have not ended
    started: set[str] = field(default_factory=set)
    over: float | None = None  # when Slurm first said so


@dataclass
class SlurmExecutor:
    """Array jobs of `bundle` tasks each, of which `at_once` run at the same time on one node."""

    request: RunRequest
    needs: Needs
    runs: Path
    cache: Path
    overlaps = False

    def __post_init__(self) -> None:
        engine = self.request.engine
        self.at_once = engine.jobs_per_gpu or 1
        self.bundle = max(engine.number("bundle", 1), self.at_once)

    def run(self, tasks: Sequence[Task], limits: Limits) -> Iterator[tuple[Task, Event]]:
        """As every executor. Leaving the loop early cancels the array jobs; if this process is killed they go on."""
        folder = self.runs.absolute() / FOLDER
        end_leftovers(folder)
        desk = Desk(folder)
        queue = queue_of(self.request, desk.path / "log", self.at_once)
        sent: dict[Path, _Sent] = {}
        well = False
        try:
            with marked([desk.path, self.runs.absolute(), self.cache.absolute()]) as (_, runs, cache):
                waiting, looked, lost = Waiting(tasks), time.monotonic(), False
                while waiting or sent:
                    errands = self._errands(waiting.all_ready(), limits, runs, cache)
                    self._send(queue, desk, errands, sent)
                    for task, event in self._news(queue, desk, sent):
                        if isinstance(event, Ended):
                            waiting.end(task)
                        yield task, event
                    if time.monotonic() - looked > LOOK:
                        for task, event in _lost(queue, desk, sent):
                            lost = True
                            waiting.end(task)
                            yield task, event
                        looked = time.monotonic()
                    if sent:
                        time.sleep(POLL)
            well = not lost
        except BenchError:
            for known in folder.glob("device-*.json"):  # the nodes may be others now
                known.unlink(missing_ok=True)
            raise
        finally:
            cancel([one.job for one in sent.values()])
            (desk.path / IDS).unlink(missing_ok=True)  # nothing is left of them
            if well:
                desk.clear()  # else the output of the array jobs says what was wrong

    def _errands(self, tasks: Sequence[Task], limits: Limits, runs: Path, cache: Path) -> list[Errand]:
        bundles = [tasks[start : start + self.bundle] for start in range(0, len(tasks), self.bundle)]
        return [Errand(tuple(some), min(self.at_once, len(some)), limits, self.needs, runs, cache) for some in bundles]

    def _send(self, queue: SlurmQueue, desk: Desk, errands: Sequence[Errand], sent: dict[Path, _Sent]) -> None:
        if not errands:
            return
        most = max(len(errand.tasks) for errand in errands)
        minutes = minutes_of(self.request.engine, errands[0].limits.seconds, most, self.at_once)
        paths = [desk.put(errand) for errand in errands]
        jobs = queue.submit(slurm_node.main, [(str(path),) for path in paths], minutes, self.request.jobs)
        for path, errand, job in zip(paths, errands, jobs, strict=True):
            sent[path] = _Sent(errand, job, {task.name: task for task in errand.tasks})
        write_atomic(desk.path / IDS, json.dumps([one.job for one in sent.values()]).encode())

    def _news(self, queue: SlurmQueue, desk: Desk, sent: dict[Path, _Sent]) -> Iterator[tuple[Task, Event]]:
        refused: list[Errand] = []
        for path, report in list(desk.news()):
            if (one := sent.get(path)) is None:
                continue
            if isinstance(report, Refusal):
                _exclude(queue, report)
                refused.append(one.errand)
                del sent[path]
                desk.remove(path)
            elif report.task in one.left:
                yield _noted(one, report)
                if not one.left:
                    del sent[path]
                    desk.remove(path)
        self._send(queue, desk, refused, sent)


def _noted(one: _Sent, report: Report) -> tuple[Task, Event]:
    task = one.left[report.task]
    if isinstance(report.event, Ended):
        del one.left[report.task]
    else:
        one.started.add(report.task)
    return task, report.event


def _exclude(queue: SlurmQueue, refusal: Refusal) -> None:
    """Send nothing to this node any more. Raises `BenchError` if none is left."""
    if refusal.node not in queue.excluded:
        queue.excluded.add(refusal.node)
        logger.warning("the node %s is not used: %s", refusal.node, refusal.reason)
    if not {node.partition(".")[0] for node in queue.nodes()} - {name.partition(".")[0] for name in queue.excluded}:
        raise BenchError(f"--executor slurm: no node can be used; {refusal.node}: {refusal.reason}")


def _lost(queue: SlurmQueue, desk: Desk, sent: dict[Path, _Sent]) -> Iterator[tuple[Task, Event]]:
    """The tasks of array jobs that are over and have not said so."""
    states = queue.states()
    for path, one in list(sent.items()):
        state = states.get(one.job, "UNKNOWN")
        if state not in OVER and state != "UNKNOWN":
            one.over = None
            continue
        one.over = one.over or time.monotonic()
        if time.monotonic() - one.over < GRACE:
            continue
        for task in one.left.values():
            yield (
                task,
                Ended("killed", f"Slurm ended the array job {one.job} ({state}); its output is in {desk.path / 'log'}"),
            )
        del sent[path]
        desk.remove(path)


def end_leftovers(folder: Path) -> None:
    """Cancel the array jobs of hosts that were killed, since this run does what is left; remove what runs have left here."""
    for desk in (path for path in folder.glob("*") if (path / "log").is_dir()):
        if any(is_held(mark) for mark in desk.glob(f"{PREFIX}*.lock")):
            continue  # that host is alive
        if (ids := desk / IDS).exists():
            jobs = json.loads(ids.read_bytes())
            logger.warning("cancelling what is left of %d array jobs of an earlier run that was killed", len(jobs))
            cancel(jobs)
        shutil.rmtree(desk, ignore_errors=True)


def queue_of(request: RunRequest, logs: Path, at_once: int = 1) -> SlurmQueue:
    return SlurmQueue(request.engine, logs, request.threads * at_once, request.device == "cuda")


def room(request: RunRequest) -> int:
    """How many jobs the cores of the partition have room for, GPUs not considered."""
    at_once = request.engine.jobs_per_gpu or 1
    return at_once * queue_of(request, Path(), at_once).places()


def device_of(request: RunRequest, runs: Path) -> Device:
    """The device of the nodes: as the first run found it, else a node is asked now.

    Raises `BenchError` if that cannot be found out.
    """
    where = [request.engine.option(name) for name in ("partition", "constraint", "gres", "exclude")]
    parts = {"device": request.device, "threads": request.threads, "where": where}
    known = runs.absolute() / FOLDER / f"device-{content_key(parts)}.json"
    try:
        return Device(**read_json(known))
    except (OSError, Corrupt, TypeError):
        return _ask_a_node(request, known)


def _ask_a_node(request: RunRequest, answer: Path) -> Device:
    logs = answer.parent / "log"
    logs.mkdir(parents=True, exist_ok=True)
    queue = queue_of(request, logs)
    [job] = queue.submit(slurm_node.describe, [(str(answer), request.device, request.threads)], 5, 1)
    logger.warning("asking a node of Slurm for its device")
    over: float | None = None
    try:
        while not answer.exists():
            time.sleep(POLL)
            over = over or (time.monotonic() if queue.states().get(job, "COMPLETED") in OVER else None)
            if over and time.monotonic() - over > GRACE:
                raise BenchError(
                    f"--executor slurm: a node wrote nothing into {answer.parent}: expected a folder that all nodes share "
                    f"and an environment with bench there; its output is in {logs}"
                )
    finally:
        cancel([job])
    found = read_json(answer)
    if "refused" in found:
        answer.unlink()
        raise BenchError(f"--executor slurm: {found['refused']}")
    return Device(**found)
