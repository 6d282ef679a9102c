"""Pieces of an HTML page: text that can hold anything, shares, and bars."""

from collections.abc import Sequence
from html import escape

from bench.util.text import shown


def text(words: str) -> str:
    """Any text, escaped, on one line: in an element or in a quoted attribute."""
    return escape(shown(words))


def percent(share: float) -> str:
    """A share as "97 %", with a space that does not break."""
    return f"{share:.0%}".replace("%", "\N{NO-BREAK SPACE}%")


def listed(names: Sequence[str]) -> str:
    """Names, already escaped, as in "a, b and c"."""
    return " and ".join(part for part in (", ".join(names[:-1]), *names[-1:]) if part)


def bar(alone: float, joint: float = 0.0) -> str:
    """A bar of a share in [0, 1] and, behind it, of a larger one. The numbers are to stand beside it."""
    fills = (("fill joint", joint), ("fill", alone))
    return f'<span class="track">{"".join(_fill(*fill) for fill in fills)}</span>'


def _fill(kind: str, share: float) -> str:
    width = min(max(share, 0.0), 1.0)
    return f'<span class="{kind}" style="width:{width:.1%}"></span>' if width else ""
