"""Errors that are shown to the user as one sentence, without a traceback."""

from collections.abc import Iterable
from difflib import get_close_matches


class BenchError(Exception):
    """A sentence for the user: what is wrong, what was expected, what was given, and the nearest valid choice."""


class Diverged(BenchError):
    """Training produced values that are not finite."""


def nearest(name: str, known: Iterable[str]) -> str:
    """The end of a message about an unknown name: the nearest known name in any case, or all of them."""
    known = sorted(known)
    folded = {text.casefold(): text for text in reversed(known)}
    close = get_close_matches(name.casefold(), folded, n=1, cutoff=0.5)
    return f"did you mean {folded[close[0]]!r}?" if close else f"known: {', '.join(known) or 'none'}"
