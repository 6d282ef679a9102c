"""Tasks to processes on this machine: each in its own, with a time limit and a memory limit, events coming back.

Workers are forked from a server that has imported torch and nothing of any plugin, so that a process costs
milliseconds. Messages are JSON: the host unpickles nothing that a plugin could have written.
"""

import json
import multiprocessing
import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing import connection as mp
from multiprocessing.context import ForkServerContext, ForkServerProcess
from typing import Any

TICK = 0.25  # seconds between two looks at the clock and the memory


@dataclass(frozen=True)
class Task:
    """A name for people, what the worker needs, as plain values, and the tasks that must have ended before."""

    name: str
    payload: dict[str, Any]
    after: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Limits:
    """What one task may take."""

    seconds: float | None = None
    memory_mb: float | None = None


@dataclass
class _Worker:
    task: Task
    process: ForkServerProcess
    pipe: mp.Connection
    started: float = field(default_factory=time.monotonic)
    ended: bool = False


Event = dict[str, Any]


def warm_up() -> None:
    """Start importing torch in the server while the host still plans."""
    from multiprocessing import forkserver

    _context()
    forkserver.ensure_running()


def run_tasks(tasks: list[Task], jobs: int, limits: Limits) -> Iterator[tuple[Task, Event]]:
    """Run at most `jobs` tasks at a time and yield their events; the last of each has `end` and `reason`.

    `end` is ok, failed, diverged, timeout or killed. Leaving the loop early ends all workers and their children.
    """
    context, waiting, working = _context(), list(tasks), list[_Worker]()
    try:
        while waiting or working:
            while len(working) < jobs and (task := _next(waiting, working)):
                waiting.remove(task)
                working.append(_start(context, task))
                yield task, {"start": True}
            ready = mp.wait([worker.pipe for worker in working], TICK)
            for worker in list(working):
                for event in _events(worker, worker.pipe in ready, limits):
                    yield worker.task, event
                if worker.ended:
                    _end(worker)
                    working.remove(worker)
    finally:
        for worker in working:
            _end(worker)


def _next(waiting: list[Task], working: list[_Worker]) -> Task | None:
    """The first task that waits for no other one."""
    unfinished = {task.name for task in waiting} | {worker.task.name for worker in working}
    return next((task for task in waiting if not task.after & unfinished), None)


def _context() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["bench.preload"])
    # threads that wait must not burn the cores of other processes: ten times slower on a busy machine otherwise
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    return context


def _start(context: ForkServerContext, task: Task) -> _Worker:
    from bench.start import start  # a module without torch: the host may have none loaded

    ours, theirs = context.Pipe()
    process = context.Process(target=start, args=(theirs, json.dumps(task.payload).encode()), name=task.name)
    process.start()
    theirs.close()
    return _Worker(task, process, ours)


def _events(worker: _Worker, ready: bool, limits: Limits) -> Iterator[Event]:
    """What this worker has to say now; its last word is made up for it where it cannot say it."""
    if ready:
        try:
            event = json.loads(worker.pipe.recv_bytes())
        except (EOFError, OSError):
            event = {"end": "killed", "reason": _death(worker)}
        worker.ended = "end" in event
        yield event
    elif limits.seconds is not None and time.monotonic() - worker.started > limits.seconds:
        worker.ended = True
        yield {"end": "timeout", "reason": f"ran longer than {limits.seconds:g} s (--timeout)"}
    elif limits.memory_mb is not None and (held := _memory_mb(worker)) > limits.memory_mb:
        worker.ended = True
        yield {"end": "killed", "reason": f"held {held:.0f} MB, more than {limits.memory_mb:.0f} MB (--memory)"}


def _death(worker: _Worker) -> str:
    worker.process.join(5)
    code = worker.process.exitcode
    if code is not None and code < 0:
        name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
        return f"the process was killed by {name}" + (" (out of memory?)" if name == "SIGKILL" else "")
    return f"the process ended by itself with exit code {code}"


def _end(worker: _Worker) -> None:
    """End the worker and every process it started."""
    pid = worker.process.pid
    worker.process.join(1 if worker.ended else 0)
    assert pid is not None
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
    with suppress(ProcessLookupError, PermissionError):
        os.kill(pid, signal.SIGKILL)
    worker.process.join(5)
    worker.pipe.close()


def _memory_mb(worker: _Worker) -> float:
    import psutil

    try:
        process = psutil.Process(worker.process.pid)
        family = [process, *process.children(recursive=True)]
        return sum(member.memory_info().rss for member in family) / 2**20
    except psutil.Error:
        return 0.0
