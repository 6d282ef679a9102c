"""SIGINT and SIGTERM: a command ends in order, once, and within seconds, children included."""

import atexit
import os
import signal
import sys
import threading
import time
from types import FrameType
from typing import Any, NoReturn

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
    again until the stack unwinds. While torch is being imported it waits, because C++ code that an exception passes
    through there aborts the process. A command that takes too long is ended. `restore` puts back what was there before.
    """

    def __init__(self) -> None:
        self.number = 0
        self.caught = False
        self._began = 0.0
        self._before: dict[int, Any] = {}  # the former handlers
        self._timer = (0.0, 0.0)  # the former timer: seconds left and interval

    @property
    def code(self) -> int:
        """The exit code of a stopped command, as a shell would have it."""
        return 128 + (self.number or signal.SIGINT)

    def listen(self) -> None:
        """Take over the signals. In a thread that is not the main one Python lets nobody do so: nothing happens."""
        if threading.current_thread() is not threading.main_thread():
            return
        for number in SIGNALS:  # a shell starts background jobs with SIGINT ignored
            if signal.getsignal(number) is not None:  # one that Python did not set cannot be put back
                self._before[number] = signal.signal(number, self._begin)

    def restore(self) -> None:
        """Put back the handlers and the timer that were there before `listen`."""
        if signal.SIGALRM in self._before:
            self._disarm()
            atexit.unregister(self._disarm)
        for number, handler in self._before.items():  # None: one that Python did not set
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        left, interval = self._timer
        if left:
            signal.setitimer(signal.ITIMER_REAL, max(left - (time.monotonic() - self._began), 1e-3), interval)
        self._before, self._timer = {}, (0.0, 0.0)

    def _begin(self, number: int, frame: FrameType | None) -> None:
        for other in self._before:
            signal.signal(other, signal.SIG_IGN)
        self.number, self._began = number, time.monotonic()
        self._before[signal.SIGALRM] = signal.signal(signal.SIGALRM, self._insist)
        self._timer = signal.setitimer(signal.ITIMER_REAL, INSIST, INSIST)
        atexit.register(self._disarm)  # later the alarm itself would end the process
        if not _importing_torch(frame):
            raise Stopped

    def _disarm(self) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)

    def _insist(self, number: int, frame: FrameType | None) -> None:
        if time.monotonic() - self._began > PATIENCE:
            self._cut_off()
        if not (self.caught or _unwinding() or _importing_torch(frame)):
            raise Stopped

    def _cut_off(self) -> NoReturn:
        end_children()
        if not self.caught:
            os.write(2, f"{INTERRUPTED}\n".encode())
        os._exit(self.code)


def _importing_torch(frame: FrameType | None) -> bool:
    """Whether a module of torch is being executed for the first time, in this frame or in one that waits for it."""
    while frame is not None:
        name = str(frame.f_globals.get("__name__"))
        if frame.f_code.co_name == "<module>" and name.partition(".")[0] == "torch":
            return True
        frame = frame.f_back
    return False


def _unwinding() -> bool:
    """Whether somebody is cleaning up after `Stopped` at this moment."""
    error = sys.exc_info()[1]
    while error is not None and not isinstance(error, Stopped):
        error = error.__context__
    return error is not None
