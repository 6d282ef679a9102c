"""The first thing a forked worker calls; imports nothing itself, so that the host can name it cheaply."""

from multiprocessing.connection import Connection


def start(connection: Connection, payload: bytes) -> None:
    """Hand over to the worker."""
    from bench.execution.worker import work

    work(connection, payload)
