"""Tasks to processes on this machine: each in its own, with a time limit and a memory limit, events coming back.

Workers are forked from a server that has imported torch and nothing of any plugin, so that a process costs
milliseconds. Messages are lines of JSON of a few known forms: the host unpickles nothing that a plugin could have
written, and believes nothing that it does not know.
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
LONGEST = 2**22  # bytes of a message
ENDS = ("ok", "failed", "diverged", "timeout", "killed")
FORMS: tuple[dict[str, type], ...] = (
    {"end": str, "reason": str},
    {"phase": str, "images": int, "of": int, "scalars": dict},
    {"examiner": str, "label": str, "accuracy": float, "cached": bool},
)


@dataclass(frozen=True)
class Task:
    """A name for people, what the worker needs, as plain values, and the tasks that must have ended before."""

    name: str
    payload: dict[str, Any]
    after: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Limits:
    """What one task may take; its largest file is limited in its process, by the system."""

    seconds: float | None = None
    memory_mb: float | None = None
    file_mb: float | None = None


@dataclass
class _Worker:
    task: Task
    process: ForkServerProcess
    root: Any  # psutil's view of the process, which knows when its number belongs to another; None if it is gone
    pipe: mp.Connection
    started: float = field(default_factory=time.monotonic)
    looked: float = 0.0
    half: bytes = b""  # of a message
    family: set[Any] = field(default_factory=set)  # psutil's: the process and all that were seen to descend from it
    ended: bool = False


Event = dict[str, Any]


def warm_up() -> None:
    """Start importing torch in the server while the host still plans."""
    from multiprocessing import forkserver, resource_tracker

    server()
    resource_tracker.ensure_running()  # now, for it ends by unblocking what is blocked next
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # Ctrl-C is for the host: see bench/execution/preload.py
    try:
        forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def run_tasks(tasks: list[Task], jobs: int, limits: Limits) -> Iterator[tuple[Task, Event]]:
    """Run at most `jobs` tasks at a time and yield their events; the last of each has `end` and `reason`.

    `end` is ok, failed, diverged, timeout or killed. Leaving the loop early ends all workers and their children.
    """
    context, waiting, working = server(), list(tasks), list[_Worker]()
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


def server() -> ForkServerContext:
    """What starts processes."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["bench.execution.preload"])
    # threads that wait must not burn the cores of other processes: ten times slower on a busy machine otherwise
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    # glibc: keep freed memory for the next step, rather than give back and fetch its pages each time
    for name in ("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_"):
        os.environ.setdefault(name, str(2**30))
    return context


def _start(context: ForkServerContext, task: Task) -> _Worker:
    from bench.execution.bootstrap import start  # a module without torch: the host may have none loaded

    ours, theirs = context.Pipe()
    process = context.Process(target=start, args=(theirs, json.dumps(task.payload).encode()), name=task.name)
    process.start()
    theirs.close()
    return _Worker(task, process, _view(process.pid), ours)


def _view(pid: int | None) -> Any:
    import psutil

    with suppress(psutil.NoSuchProcess):
        return psutil.Process(pid)


def _events(worker: _Worker, ready: bool, limits: Limits) -> Iterator[Event]:
    """What this worker has to say now; its last word is made up for it where it cannot say it, or says too much."""
    for event in _messages(worker) if ready else ():
        worker.ended = "end" in event
        yield event
        if worker.ended:
            return
    if last := _verdict(worker, limits):
        worker.ended = True
        yield last


def _messages(worker: _Worker) -> Iterator[Event]:
    """The lines that came in whole. Reads once, so that one who writes without end keeps nobody waiting."""
    try:
        chunk = os.read(worker.pipe.fileno(), 2**16)
    except OSError:
        chunk = b""
    *lines, worker.half = (worker.half + chunk).split(b"\n")
    for line in lines:
        yield _understood(line)
    if len(worker.half) > LONGEST:
        yield _understood(b"")
    if not chunk:
        yield {"end": "killed", "reason": _death(worker)}


def _understood(line: bytes) -> Event:
    """An event of a known form: a plugin can reach the pipe, and write anything to it."""
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        event = None
    if isinstance(event, dict) and any(_has_form(event, form) for form in FORMS):
        return event
    return {"end": "killed", "reason": "the process sent something that is no message to the host"}


def _has_form(event: Event, form: dict[str, type]) -> bool:
    return (
        event.keys() == form.keys()
        and all(isinstance(event[name], kind) for name, kind in form.items())
        and all(isinstance(value, float) for value in event.get("scalars", {}).values())
        and all(0 <= event.get(name, 0) < 2**63 for name in ("images", "of"))
        and event.get("end", "ok") in ENDS
    )


def _verdict(worker: _Worker, limits: Limits) -> Event | None:
    """Why the worker has to end now, if it has to."""
    now = time.monotonic()
    if limits.seconds is not None and now - worker.started > limits.seconds:
        return {"end": "timeout", "reason": f"ran longer than {limits.seconds:g} s (--timeout)"}
    if now - worker.looked < TICK:
        return None
    worker.looked = now
    held = _memory_mb(worker)
    if held is None and not worker.pipe.poll():  # one whose children hold its pipe leaves without a word
        return {"end": "killed", "reason": _death(worker)}
    if limits.memory_mb is not None and held is not None and held > limits.memory_mb:
        return {"end": "killed", "reason": f"held {held:.0f} MB, more than {limits.memory_mb:.0f} MB (--memory)"}
    return None


def _death(worker: _Worker) -> str:
    worker.process.join(5)
    code = worker.process.exitcode
    if code is not None and code < 0:
        name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
        return f"the process was killed by {name}" + (" (out of memory?)" if name == "SIGKILL" else "")
    if code is None:
        return "the process closed its connection to the host"
    return f"the process ended by itself with exit code {code}"


def _end(worker: _Worker) -> None:
    """End the worker and every process it started."""
    pid = worker.process.pid
    worker.process.join(1 if worker.ended else 0)
    assert pid is not None
    _memory_mb(worker)  # meet the family once more
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
            process.kill()  # unless its number belongs to another by now


def _memory_mb(worker: _Worker) -> float | None:
    """What the worker and all that descend from it hold; None where it is gone."""
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
    """Bytes."""
    import psutil

    try:
        return int(process.memory_info().rss)
    except psutil.Error:  # it ended meanwhile
        return 0
