"""An exception as one safe line."""

import traceback
from contextlib import suppress

from bench.errors import BenchError
from bench.util.text import LONGEST, one_line, shorten


def explain(error: BaseException) -> str:
    """One line for a board; the traceback of a bug goes to the log. A plugin may have written every letter of it."""
    text, longest = type(error).__name__, LONGEST
    if isinstance(error, BenchError):
        text, longest = "", 1_000
    else:
        with suppress(Exception):
            traceback.print_exception(error)
    with suppress(Exception):
        text = f"{text}: {error}" if text else str(error)
    return shorten(one_line(text[:10_000].strip().split("\n")[0]), longest)
