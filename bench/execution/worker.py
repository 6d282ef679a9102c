"""The process of one task: it isolates itself, does the task, and reports events to the host as lines of JSON."""

import ctypes
import io
import os
import resource
import signal
import sys
import threading
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path

import torch

import bench.metrics.table  # noqa: F401  imported once, before the fork, and shared by all workers
from bench.errors import Diverged
from bench.execution.messages import Assignment, Ended, Fitted, Progressed, decode_assignment, encode_event
from bench.execution.tasks import Emit, perform
from bench.util.failure import explain
from bench.util.processes import end_children

PR_SET_CHILD_SUBREAPER = 36  # of <linux/prctl.h>


def work(connection: Connection, payload: bytes, gpu: str | None = None) -> None:
    """Do the assignment in `payload` and report how it ended. Ends with the host, whose end of the pipe then closes.

    gpu: the only one that this process may see, as CUDA_VISIBLE_DEVICES names it.
    """
    if gpu is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = gpu  # CUDA is initialised later, in this process
    with suppress(OSError):
        os.setsid()  # so that the host can end this process with all its children
    signal.signal(signal.SIGINT, signal.default_int_handler)  # which the fork server ignores
    _adopt_orphans()
    threading.Thread(target=_die_with_the_host, args=(connection,), daemon=True).start()
    assignment = decode_assignment(payload)
    _redirect_output(assignment.log)
    _limit_files(assignment.settings.file_mb)
    _use_threads(assignment.settings.device.threads)
    lock = threading.Lock()

    def emit(event: Progressed | Fitted | Ended) -> None:
        line = encode_event(event)
        with lock:
            while line:
                line = line[os.write(connection.fileno(), line) :]

    try:
        ended = _outcome(assignment, emit)
        with suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        end_children()
        emit(ended)
    finally:
        os._exit(0)  # whatever threads the plugin left behind


def _outcome(assignment: Assignment, emit: Emit) -> Ended:
    try:
        return Ended("ok", perform(assignment, emit))
    except Diverged as error:
        return Ended("diverged", explain(error))
    except torch.OutOfMemoryError as error:
        return Ended("failed", f"out of GPU memory: {explain(error)}")
    except BaseException as error:
        return Ended("failed", explain(error))


def _die_with_the_host(connection: Connection) -> None:
    with suppress(EOFError, OSError):
        connection.recv_bytes()
    end_children()
    os._exit(1)


def _adopt_orphans() -> None:
    """Become the parent of the orphans of child processes, so that they can be ended too. Linux only."""
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _limit_files(megabytes: float | None) -> None:
    """Limit the size of files that this process and its children write: a write beyond it is an OSError."""
    if megabytes is not None:
        hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
        most = int(megabytes * 2**20)
        resource.setrlimit(resource.RLIMIT_FSIZE, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def _redirect_output(log: Path) -> None:
    """Send everything that is printed, by Python or not, to the log of the task."""
    log.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for stream in (1, 2):
        os.dup2(handle, stream)
    os.close(handle)
    sys.stdout = io.TextIOWrapper(os.fdopen(1, "wb", closefd=False), "utf-8", "replace", line_buffering=True)
    sys.stderr = io.TextIOWrapper(os.fdopen(2, "wb", closefd=False), "utf-8", "replace", line_buffering=True)


def _use_threads(threads: int) -> None:
    torch.set_num_threads(threads)
    with suppress(RuntimeError):  # settable once
        torch.set_num_interop_threads(1)
