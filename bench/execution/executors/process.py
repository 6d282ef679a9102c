"""The process of one task: started from the fork server, watched for its limits, and ended with its children.

Workers are forked from a server that has imported torch and no plugin, so that a process costs milliseconds.
"""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing import connection as mp
from multiprocessing.context import ForkServerContext, ForkServerProcess
from typing import Any

from bench.execution.bootstrap import start
from bench.execution.executors.base import Limits, Task
from bench.execution.fork_server import start_from_server
from bench.execution.isolated.start import InsideProcess, start_inside
from bench.execution.messages import Ended, Event, encode_assignment, parse_event

TICK = 0.25  # seconds between two checks of the time and memory limits
LONGEST = 2**22  # bytes of a line


@dataclass(eq=False)
class Worker:
    """A process, and what is known of it."""

    task: Task
    process: ForkServerProcess | InsideProcess
    root: Any  # psutil's Process, which notices when its number is reused; None if it has ended
    pipe: mp.Connection
    started: float = field(default_factory=time.monotonic)
    checked: float = 0.0
    partial: bytes = b""  # the beginning of a line
    family: set[Any] = field(default_factory=set)  # psutil's: the process and every descendant seen so far
    ended: bool = False


def start_worker(context: ForkServerContext, task: Task, gpu: str | None = None) -> Worker:
    """Start the process of a task, which sees the GPU `gpu` alone, in the environment of the task."""
    if task.python:
        inside, pipe = start_inside(task.python, task.assignment, gpu)
        return Worker(task, inside, _view(inside.pid), pipe)
    ours, theirs = context.Pipe()
    process = context.Process(target=start, args=(theirs, encode_assignment(task.assignment), gpu), name=task.name)
    start_from_server(process)
    theirs.close()
    return Worker(task, process, _view(process.pid), ours)


def _view(pid: int | None) -> Any:
    import psutil

    with suppress(psutil.NoSuchProcess):
        return psutil.Process(pid)


def events_of(worker: Worker, ready: bool, limits: Limits) -> Iterator[Event]:
    """The new events of this worker. If it cannot report its end, or breaks a limit, the host makes the last one."""
    for event in _messages(worker) if ready else ():
        worker.ended = isinstance(event, Ended)
        yield event
        if worker.ended:
            return
    if last := _verdict(worker, limits):
        worker.ended = True
        yield last


def _messages(worker: Worker) -> Iterator[Event]:
    """The lines that are complete. Reads once, so that a worker that writes without end delays no other."""
    try:
        chunk = os.read(worker.pipe.fileno(), 2**16)
    except OSError:
        chunk = b""
    *lines, worker.partial = (worker.partial + chunk).split(b"\n")
    for line in lines:
        yield _event(line)
    if len(worker.partial) > LONGEST:
        yield _event(b"")
    if not chunk:
        yield Ended("killed", _death(worker))


def _event(line: bytes) -> Event:
    """A plugin can write anything to the pipe: what is not an event ends the task."""
    try:
        return parse_event(line)
    except ValueError:
        return Ended("killed", "the worker sent an invalid message")


def _verdict(worker: Worker, limits: Limits) -> Ended | None:
    """Why the worker must end now; None if it need not."""
    now = time.monotonic()
    if limits.seconds is not None and now - worker.started > limits.seconds:
        return Ended("timeout", f"ran longer than {limits.seconds:g} s (--timeout)")
    if now - worker.checked < TICK:
        return None
    worker.checked = now
    held = _memory_mb(worker)
    if held is None and not worker.pipe.poll():  # its children may still hold the pipe open
        return Ended("killed", _death(worker))
    if limits.memory_mb is not None and held is not None and held > limits.memory_mb:
        held = min(held, sum(map(_own_share, worker.family)) / 2**20)  # slower, so only now
    if limits.memory_mb is not None and held is not None and held > limits.memory_mb:
        return Ended("killed", f"used {held:.0f} MB, more than {limits.memory_mb:.0f} MB (--memory)")
    return None


def _death(worker: Worker) -> str:
    worker.process.join(5)
    code = worker.process.exitcode
    if code is not None and code < 0:
        name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
        return f"the process was killed by {name}" + (" (out of memory?)" if name == "SIGKILL" else "")
    if code is None:
        return "the process closed its connection to the host"
    return f"the process exited with code {code}"


def end_worker(worker: Worker) -> None:
    """End the worker and every process that it started."""
    pid = worker.process.pid
    worker.process.join(1 if worker.ended else 0)
    assert pid is not None
    _memory_mb(worker)  # updates the list of its descendants
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
    with suppress(ProcessLookupError, PermissionError):
        os.kill(pid, signal.SIGKILL)
    _kill(worker.family)
    worker.process.join(5)
    worker.pipe.close()


def _kill(processes: set[Any]) -> None:
    import psutil

    for process in processes:
        with suppress(psutil.Error):
            process.kill()  # psutil checks that the number was not reused


def _memory_mb(worker: Worker) -> float | None:
    """The memory of the worker and its descendants; None if it has ended."""
    import psutil

    root = worker.root
    try:
        if root is None or not root.is_running() or root.status() == psutil.STATUS_ZOMBIE:
            return None
        family = {root, *root.children(recursive=True)}
    except psutil.Error:
        return 0.0
    worker.family |= family
    return sum(_held(member) for member in family) / 2**20


def _held(process: Any) -> int:
    """Bytes of resident memory."""
    import psutil

    try:
        return int(process.memory_info().rss)
    except psutil.Error:  # it has ended
        return 0


def _own_share(process: Any) -> int:
    """Bytes of memory of a process, its share of the pages that it shares with others: forked children share most."""
    import psutil

    try:
        return int(getattr(process.memory_full_info(), "pss", process.memory_info().rss))
    except psutil.Error:
        return 0
