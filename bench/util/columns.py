"""Plain text in columns: cells are folded to fit a width and are never cut."""

from collections.abc import Sequence
from textwrap import wrap

GAP = 2  # spaces between two columns


def fold(text: str, width: int | None, indent: str = "") -> list[str]:
    """The text on lines of at most `width` characters, the later ones indented; one line without a width."""
    if width is None or len(text) <= width:
        return [text]
    return wrap(text, max(width, len(indent) + 1), subsequent_indent=indent, break_on_hyphens=False) or [""]


def columns(rows: Sequence[Sequence[str]], width: int | None, indent: int = 0) -> list[str]:
    """Rows of cells as lines. The last column gets the width that the others leave, and is folded."""
    if not rows:
        return []
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    if width is not None:
        widths = _fit(widths, width - indent - GAP * (len(widths) - 1))
    lines = []
    for row in rows:
        cells = [fold(cell, room) for cell, room in zip(row, widths, strict=True)]
        for height in range(max(map(len, cells))):
            parts = [cell[height] if height < len(cell) else "" for cell in cells]
            padded = (part.ljust(room) for part, room in zip(parts, widths, strict=True))
            lines.append(" " * indent + (" " * GAP).join(padded).rstrip())
    return lines


def _fit(widths: list[int], room: int) -> list[int]:
    """The widths of columns that share `room`: the last one shrinks first, and then the widest."""
    least = min(widths[-1], max(20, room // 3))
    widths = [*widths[:-1], max(least, min(widths[-1], room - sum(widths[:-1])))]
    while sum(widths) > room and max(widths) > 1:
        widths[widths.index(max(widths))] -= 1
    return widths
