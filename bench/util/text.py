"""Text from anywhere on one plain line: nothing in it may break a line, a table or a terminal."""

import unicodedata

LONGEST = 300  # characters of a text that is shown


def items(text: str) -> list[str]:
    """The parts of a list separated by commas, without spaces around them; empty parts are left out."""
    return [part for part in map(str.strip, text.split(",")) if part]


def plain(text: str) -> str:
    """Control, format and surrogate characters written out, as in `\\x1b`; plain text stays as it is."""
    return text if text.isprintable() else "".join(char if _is_plain(char) else _written(char) for char in text)


def one_line(text: str) -> str:
    """Plain text with single spaces only."""
    return plain(" ".join(text.split()))


def shorten(text: str, longest: int = LONGEST) -> str:
    """At most `longest` characters."""
    return text if len(text) <= longest else text[: longest - 1] + "…"


def shown(text: str) -> str:
    """What any text of a record looks like in a terminal."""
    return shorten(one_line(text))


def _is_plain(char: str) -> bool:
    return unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Zl", "Zp")


def _written(char: str) -> str:
    return char.encode("ascii", "backslashreplace").decode() if ord(char) > 127 else f"\\x{ord(char):02x}"
