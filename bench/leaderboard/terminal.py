"""A board for the terminal, and for other programs."""

import json
import math
from collections.abc import Iterable
from typing import TYPE_CHECKING

from bench.leaderboard.notes import Notes
from bench.leaderboard.view import Column, Line, Section, sections
from bench.results.record import Record
from bench.util.text import shown

if TYPE_CHECKING:
    from rich.console import Group
    from rich.table import Table


def table(records: Iterable[Record]) -> "Group":
    """A table for each section, costs below the metrics, reasons of failures below that; for `rich` to print."""
    from rich.console import Group, RenderableType
    from rich.text import Text

    parts: list[RenderableType] = []
    for section in sections(records):
        notes = Notes(section)
        parts += [_table(section, notes), *(Text(line) for line in _below(section, notes))]
    return Group(*parts)


def to_json(records: Iterable[Record]) -> str:
    """A list of objects with the fields of a record; what JSON cannot say (nan, infinity) is null."""
    rows = [record.to_dict() for record in records]
    for row in rows:
        if row["value"] is not None and not math.isfinite(row["value"]):
            row["value"] = None
    return json.dumps(rows, indent=1, ensure_ascii=True, allow_nan=False)


def _table(section: Section, notes: Notes) -> "Table":
    """Metrics down and methods across, or the other way round where there are more methods."""
    from rich.table import Table
    from rich.text import Text

    columns = [*section.main, *section.cost]
    cells = [[_cell(line, column, notes) for line in section.lines] for column in columns]
    names, labels = [column.info.heading for column in columns], [notes.label(line) for line in section.lines]
    if len(section.lines) > len(columns):
        cells, names, labels = [list(row) for row in zip(*cells, strict=True)], labels, names
    title = f"{section.records[0].dataset} · budget {section.budget} · {section.kind} · judge {section.judge}"
    grid = Table(title=Text(shown(title)), title_justify="left")
    for index, label in enumerate(["", *labels]):
        grid.add_column(Text(shown(label)), justify="right" if index else "left")
    for name, row in zip(names, cells, strict=True):
        grid.add_row(Text(shown(name)), *map(Text, row))
    return grid


def _cell(line: Line, column: Column, notes: Notes) -> str:
    return notes.section.cell(line, column).text(len(notes.section.seeds), notes.number)


def _below(section: Section, notes: Notes) -> list[str]:
    ranks = [f"{notes.label(line)} {rank.mean:.2f}" for line, rank in section.ranks.items()]
    failures = [
        f"[{note.number}] {notes.label(note.line)}, seed {note.seed}, {note.what}: {note.status}: {note.reason}"
        for note in notes.failures
    ]
    return [shown(text) for text in [*([f"mean rank: {', '.join(ranks)}"] if ranks else []), *failures]]
