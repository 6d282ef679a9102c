"""The standard streams of a command: what is closed, full, read no further, or lacks characters is in nobody's way."""

import errno
import io
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO)


def open_standard_streams() -> None:
    """What was closed leads nowhere: no other file may get its number. What an encoding lacks is written as an escape."""
    while (handle := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(handle, True)  # nor in a process that is started
    os.close(handle)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name) or os.fdopen(os.open(os.devnull, os.O_WRONLY), "w", encoding="utf-8")
        if isinstance(stream, io.TextIOWrapper):  # tests put other things there
            stream.reconfigure(errors="backslashreplace")
        setattr(sys, name, stream)


def silence() -> None:
    """Nobody reads standard output any more: what is still to be written goes nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def say(text: str) -> None:
    """One sentence for the user, on standard error."""
    print(sentence(text), file=sys.stderr)


def sentence(text: str) -> str:
    """On one line, and without what a name of a file could do to a terminal."""
    from bench.util.text import one_line

    return f"bench: {one_line(text)}"


def console(stderr: bool = False) -> "Console":
    """What prints tables: as wide as the terminal, or as a pipe needs."""
    from rich.console import Console

    class Piped(Console):
        def on_broken_pipe(self) -> None:
            raise BrokenPipeError  # and not SystemExit(1): `main` knows what to do

    made = Piped(stderr=stderr)
    if not made.is_terminal:
        made.width = max(made.width, 200)  # a pipe has no width to keep within
    return made
