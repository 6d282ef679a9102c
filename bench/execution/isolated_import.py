"""Import a third-party plugin in a separate process first, so that one that crashes or hangs cannot affect the host."""

import os
import signal
from contextlib import suppress
from importlib.metadata import EntryPoint
from multiprocessing.connection import Connection

SECONDS = 60.0  # time limit of an import


def refused(point: EntryPoint, seconds: float = SECONDS) -> str:
    """Why the host must not import this plugin, or "". An exception is not a reason: the host can catch it."""
    from bench.execution.fork_server import server, start_from_server

    context = server()
    ours, theirs = context.Pipe()
    process = context.Process(target=_look, args=(theirs, point.name, point.value, point.group))
    start_from_server(process)
    theirs.close()
    try:
        if not ours.poll(seconds):
            return f"importing it took longer than {seconds:g} s"
        ours.recv_bytes(16)
        return ""
    except (EOFError, OSError):
        process.join(5)
        return f"importing it ended the process ({_how(process.exitcode)})"
    finally:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid or 0, signal.SIGKILL)
        process.kill()
        process.join(5)
        ours.close()


def _how(code: int | None) -> str:
    if code is not None and -code in set(signal.Signals):
        return signal.Signals(-code).name
    return f"exit code {code}"


def _look(connection: Connection, name: str, value: str, group: str) -> None:
    """In the separate process: import the plugin, and say so once that is done."""
    from bench.registry.plugins import Plugins

    with suppress(OSError):
        os.setsid()
    null = os.open(os.devnull, os.O_RDWR)
    for stream in (1, 2):
        os.dup2(null, stream)
    Plugins(found=[EntryPoint(name, value, group)]).load_all()
    connection.send_bytes(b"imported")
    os._exit(0)
