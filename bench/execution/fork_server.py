"""The server from which workers are forked. Imports no torch, so that the server can import it at the same time."""

import multiprocessing
import os
import signal
import sys
import warnings
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from types import ModuleType

from bench.execution.import_path import safe_import_path


def warm_up() -> None:
    """Start importing torch in the server while the host still plans."""
    from multiprocessing import forkserver, resource_tracker

    server()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "resource_tracker: process died")  # an earlier run of this process ended it
        with safe_import_path():
            resource_tracker.ensure_running()  # first, since it unblocks the signals that are blocked below
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # Ctrl-C is for the host: see preload.py
    try:
        with safe_import_path():
            forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def server() -> ForkServerContext:
    """The fork server."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["bench.execution.preload"])
    # waiting threads must not use the cores of other processes: ten times slower on a busy machine otherwise
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    # glibc: keep freed memory for the next step instead of returning its pages each time
    for name in ("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_"):
        os.environ.setdefault(name, str(2**30))
    return context


def start_from_server(process: BaseProcess) -> None:
    """Start a process that does not import the main module of this one: a script may call `bench.run` on its top level."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        with safe_import_path():
            process.start()
    finally:
        sys.modules["__main__"] = main
