"""The server from which workers are forked, for as long as a command needs it."""

from collections.abc import Iterator
from contextlib import contextmanager

from bench.util.processes import children, end_children


@contextmanager
def worker_server() -> Iterator[None]:
    """Keep the server from which workers are forked; it starts importing at once, while the caller still plans."""
    from bench.execution.executors.ray_connection import disconnect
    from bench.execution.fork_server import warm_up

    others = children()  # of a program that calls this
    try:
        warm_up()
        yield
    finally:
        disconnect()
        end_children(but=others)  # the server, which may still be importing, or be unknown yet, and what it started
