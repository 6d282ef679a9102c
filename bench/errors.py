"""The one family of errors that is shown to the user as a sentence, without a traceback."""

from collections.abc import Iterable
from difflib import get_close_matches


class BenchError(Exception):
    """A sentence for the user: what, got, wanted, the nearest right thing."""


class Diverged(BenchError):
    """Training produced values that are not finite."""


def nearest(name: str, known: Iterable[str]) -> str:
    """The end of an error about an unknown name: the nearest known one, or all of them."""
    known = sorted(known)
    close = get_close_matches(name, known, n=1, cutoff=0.5)
    return f"did you mean {close[0]!r}?" if close else f"known: {', '.join(known) or 'none'}"
