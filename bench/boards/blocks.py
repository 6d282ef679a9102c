"""A table of numbers as plain text: methods down, metrics across, in as many blocks as the width needs."""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from bench.boards.notes import Notes, marks
from bench.boards.numbers import Number, align
from bench.boards.text import MISSING
from bench.boards.two_judges import MARK
from bench.boards.view import Column, Line
from bench.util.columns import GAP, fold
from bench.util.text import one_line

FLOOR = "≈"


class Strip(NamedTuple):
    """One metric: the lines of its heading and one cell for each method, all equally wide."""

    heading: list[str]
    cells: list[str]
    said: list[bool]  # whether a cell holds more than a dash

    @property
    def width(self) -> int:
        return max(map(len, [*self.heading, *self.cells]))


def blocks(lines: Sequence[Line], columns: Sequence[Column], notes: Notes, width: int | None) -> list[str]:
    """The blocks, with an empty line between two; those below the first one leave out methods that have nothing there."""
    letters = marks(columns)
    strips = [_strip(lines, column, letters[column], notes, width) for column in columns]
    labels = [fold(one_line(notes.label(line)), width and max(12, width // 3)) for line in lines]
    room = max(len(part) for label in labels for part in label)
    printed: list[str] = []
    for block in _split(strips, room, width):
        shown = [index for index in range(len(lines)) if not printed or any(strip.said[index] for strip in block)]
        first = next((index for index in shown if lines[index].anchor and index != shown[0]), None)
        printed += [""] if printed else []
        height = max((len(strip.heading) for strip in block), default=0)
        printed += [_row("", [_from_below(strip, height, line) for strip in block], room) for line in range(height)]
        for index in shown:
            printed += [""] if index == first else []
            printed.append(_row(labels[index][0], [strip.cells[index].rjust(strip.width) for strip in block], room))
            printed += labels[index][1:]
    return printed


def _split(strips: Iterable[Strip], room: int, width: int | None) -> list[list[Strip]]:
    """As many metrics in each block as fit the width, and at least one."""
    found: list[list[Strip]] = [[]]
    used = room
    for strip in strips:
        if width is not None and found[-1] and used + GAP + strip.width > width:
            found.append([])
            used = room
        found[-1].append(strip)
        used += GAP + strip.width
    return found


def _row(label: str, cells: list[str], room: int) -> str:
    return (" " * GAP).join([label.ljust(room), *cells]).rstrip()


def _from_below(strip: Strip, height: int, index: int) -> str:
    """Headings end on the same line, above the numbers."""
    above = height - len(strip.heading)
    return (strip.heading[index - above] if index >= above else "").rjust(strip.width)


def _strip(lines: Sequence[Line], column: Column, letter: str, notes: Notes, width: int | None) -> Strip:
    cells = [notes.section.cell(line, column) for line in lines]
    numbers = align([cell.values for cell in cells], [not line.anchor for line in lines])
    ends = [_end(line, column, notes) for line in lines]
    mean = max((len(number.mean) for number in numbers if number), default=1)
    spread = max((len(number.deviation) for number in numbers if number), default=0)
    end = max((len(end) for number, end in zip(numbers, ends, strict=True) if number), default=0)
    texts = [_text(number, after, (mean, spread, end)) for number, after in zip(numbers, ends, strict=True)]
    said = [bool(number or after) for number, after in zip(numbers, ends, strict=True)]
    return Strip(_heading(column.info.heading + letter, max(map(len, texts)), width), texts, said)


def _text(number: Number | None, after: str, rooms: tuple[int, int, int]) -> str:
    """One cell, padded so that means, signs and deviations of a column stand below each other."""
    if number is None and after:
        return f"failed {after}"
    mean, spread, end = rooms
    text = (number.mean if number else MISSING).rjust(mean)
    if spread:
        text += f" ± {number.deviation.rjust(spread)}" if number and number.deviation else " " * (spread + 3)
    return text + (f" {after}".ljust(end + 1) if end else "")


def _end(line: Line, column: Column, notes: Notes) -> str:
    """What follows a number: `≈` at the floor, the count of its seeds if it is not that of the line, its failures."""
    section = notes.section
    cell = section.cell(line, column)
    parts = [FLOOR] if not column.info.cost and section.at_floor(line, column) else []
    parts += [MARK] if notes.disputed(line, column) else []
    if cell.values and len(cell.values) != len(section.seeds_of(line)) and not cell.failed:
        parts.append(f"({len(cell.values)})")
    if cell.failed:
        parts.append(f"[{', '.join(dict.fromkeys(notes.number(record) for record in cell.failed))}]")
    return " ".join(parts)


def _heading(text: str, least: int, width: int | None) -> list[str]:
    """The name of a metric, folded behind its hyphens if it is wider than its numbers."""
    text = one_line(text)
    if width is None:
        return [text]
    *pieces, last = re.split(r"(?<=-)|(?<=[^ ]) (?=\()", text)
    pieces.append(last)
    room = max(least, *map(len, pieces))
    folded = [""]
    for piece in pieces:
        gap = " " if folded[-1] and not folded[-1].endswith("-") else ""
        if folded[-1] and len(folded[-1]) + len(gap) + len(piece) > room:
            folded.append(piece)
        else:
            folded[-1] += gap + piece
    return folded
