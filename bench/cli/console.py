"""The standard streams of a command, which may be closed, full, unread, or limited to few characters."""

import errno
import io
import logging
import os
import shutil
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO)


def open_standard_streams() -> None:
    """Open closed streams on the null device, so that no file gets their numbers. Escape what the encoding lacks."""
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


def terminal_width() -> int | None:
    """The columns of the terminal behind standard output; None for a pipe or a file, which has no width to keep."""
    return (shutil.get_terminal_size().columns or 80) if sys.stdout.isatty() else None


def show(lines: Iterable[str], styles: Mapping[str, str] | None = None) -> None:
    """Print lines as they are. On a terminal, words that match a pattern of `styles` get its style."""
    screen = console() if styles and sys.stdout.isatty() else None
    for line in lines:
        if screen is None:
            print(line)
            continue
        from rich.text import Text

        text = Text(line)
        for pattern, style in (styles or {}).items():
            text.highlight_regex(pattern, style)
        screen.print(text, soft_wrap=True)


def console(stderr: bool = False) -> "Console":
    """What draws colours and progress bars; `rich` leaves out the colours if NO_COLOR is set."""
    from rich.console import Console

    class Piped(Console):
        def on_broken_pipe(self) -> None:
            raise BrokenPipeError  # and not SystemExit(1): `main` knows what to do

    return Piped(stderr=stderr, highlight=False)


def configure_logging() -> None:
    """Write warnings of the logger `bench` to standard error, as one line that starts with `bench: `."""
    logger = logging.getLogger("bench")
    logger.handlers = [handler for handler in logger.handlers if not isinstance(handler, _OneLine)] + [_OneLine()]
    logger.setLevel(logging.INFO)
    logger.propagate = False


class _OneLine(logging.Handler):
    """Looks up standard error at each message: what a test or a caller has put there counts."""

    def emit(self, record: logging.LogRecord) -> None:
        with suppress(OSError):  # nobody reads standard error any more
            say(record.getMessage())
