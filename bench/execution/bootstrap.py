"""The entry point of a forked worker. Imports nothing heavy, since the host imports it too."""

from multiprocessing.connection import Connection


def start(connection: Connection, payload: bytes, gpu: str | None) -> None:
    """Run the worker."""
    from bench.execution.worker import work

    work(connection, payload, gpu)
