"""Start the process of a task inside an environment: it is watched, limited and ended as every worker."""

import socket
import subprocess
import tempfile
from multiprocessing.connection import Connection
from pathlib import Path

from bench.execution.isolated.ask import INSIDE, variables
from bench.execution.messages import Assignment, encode_assignment


class InsideProcess:
    """A process with the interface of one from the fork server."""

    def __init__(self, process: "subprocess.Popen[bytes]", folder: "tempfile.TemporaryDirectory[str]") -> None:
        self._process, self._folder = process, folder

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def exitcode(self) -> int | None:
        return self._process.poll()

    def join(self, timeout: float | None = None) -> None:
        """Wait for its end, and remove its files then."""
        try:
            self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            return
        self._folder.cleanup()


def start_inside(python: str, assignment: Assignment, gpu: str | None) -> tuple[InsideProcess, Connection]:
    """The process of an assignment in the environment of `python`, and the end of the pipe that it writes events to."""
    ours, theirs = socket.socketpair()
    folder = tempfile.TemporaryDirectory(prefix="bench-")
    path = Path(folder.name, "assignment.json")
    path.write_bytes(encode_assignment(assignment))
    assignment.log.parent.mkdir(parents=True, exist_ok=True)
    shown = {} if gpu is None else {"CUDA_VISIBLE_DEVICES": gpu}
    with open(assignment.log, "ab") as log:
        process = subprocess.Popen(
            [python, *INSIDE, "work", str(path), str(theirs.fileno())], env=variables() | shown, pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    theirs.close()
    return InsideProcess(process, folder), Connection(ours.detach())
