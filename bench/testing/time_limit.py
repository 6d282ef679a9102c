"""A time limit for a block of code."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SECONDS = 300.0  # of one conformance test: the slowest need seconds, and machines may be busy


class TookTooLong(BaseException):
    """A block exceeded its time limit. Not an `Exception`, so that code with a broad `except` ends too."""


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise `TookTooLong` in a block that takes longer.

    The limit works in the main thread of systems with interval timers (Linux, macOS); elsewhere there is none. It
    interrupts Python code; a call into compiled code ends first.
    """
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def expire(number: int, frame: FrameType | None) -> None:
        raise TookTooLong(f"it took longer than {seconds:g} s")

    before = signal.signal(signal.SIGALRM, expire)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
