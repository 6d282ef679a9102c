"""SIGINT and SIGTERM: a command ends in order, once, and within seconds, children included."""

import atexit
import os
import signal
import sys
import time
from typing import NoReturn

from bench.util.processes import end_children

INTERRUPTED = "bench: interrupted. Finished results are saved; run the same command to resume"
SIGNALS = (signal.SIGINT, signal.SIGTERM)
PATIENCE = 4.0  # seconds that a stopped command may take to end itself and its children
INSIST = 0.5  # seconds after which it is reminded


class Stopped(KeyboardInterrupt):
    """A signal. A plain KeyboardInterrupt that passes through `exec` lets CPython 3.11 die by SIGINT, whoever catches it."""


class Stop:
    """What the first signal sets off; further ones change nothing.

    It raises `Stopped` in the running command. An import may swallow it or turn it into another error, so it is raised
    again until the stack unwinds. A command that takes too long is ended.
    """

    def __init__(self) -> None:
        self.number = 0
        self.caught = False
        self._began = 0.0

    @property
    def code(self) -> int:
        """The exit code of a stopped command, as a shell would have it."""
        return 128 + (self.number or signal.SIGINT)

    def listen(self) -> None:
        for number in SIGNALS:  # a shell starts background jobs with SIGINT ignored
            signal.signal(number, self._begin)

    def _begin(self, number: int, frame: object) -> NoReturn:
        for other in SIGNALS:
            signal.signal(other, signal.SIG_IGN)
        self.number, self._began = number, time.monotonic()
        signal.signal(signal.SIGALRM, self._insist)
        signal.setitimer(signal.ITIMER_REAL, INSIST, INSIST)
        atexit.register(signal.setitimer, signal.ITIMER_REAL, 0)  # later the alarm itself would end the process
        raise Stopped

    def _insist(self, number: int, frame: object) -> None:
        if time.monotonic() - self._began > PATIENCE:
            self._cut_off()
        if not (self.caught or _unwinding()):
            raise Stopped

    def _cut_off(self) -> NoReturn:
        end_children()
        if not self.caught:
            os.write(2, f"{INTERRUPTED}\n".encode())
        os._exit(self.code)


def _unwinding() -> bool:
    """Whether somebody is cleaning up after `Stopped` at this moment."""
    error = sys.exc_info()[1]
    while error is not None and not isinstance(error, Stopped):
        error = error.__context__
    return error is not None
