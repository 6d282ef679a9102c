"""Cells of the tables of a page: numbers with their spread, marks and failures, and heads that sort."""

import math
from collections.abc import Iterable, Sequence
from html import escape

from bench.boards.notes import Notes, marks
from bench.boards.over_seeds import mean
from bench.boards.text import MISSING, spread
from bench.boards.two_judges import MARK, MEANING
from bench.boards.view import Column, Line
from bench.results.markup import text

FLOOR = '<abbr title="beyond real images, or within two standard errors of them">≈</abbr>'
DISPUTED = f'<abbr title="{MEANING}">{MARK}</abbr>'


def number_cell(line: Line, column: Column, notes: Notes, section: str) -> str:
    """Mean ± deviation of a method on a metric; what failed links to its note. The attribute is what the table sorts by."""
    cell = notes.section.cell(line, column)
    parts = [escape(spread(cell.values))] if cell.values else []
    if cell.values and len(cell.values) != len(notes.section.seeds_of(line)):
        parts.append(f"({len(cell.values)})")
    if cell.values and not column.info.cost and notes.section.at_floor(line, column):
        parts.append(FLOOR)
    parts += [DISPUTED] if notes.disputed(line, column) else []
    if cell.failed:
        numbers = dict.fromkeys(notes.number(record) for record in cell.failed)
        links = ", ".join(f'<a href="#{section}-note-{number}">{number}</a>' for number in numbers)
        parts.append(f'<span class="bad">failed [{links}]</span>')
    level = mean(cell.values) if cell.values else math.nan
    value = f' data-value="{level!r}"' if math.isfinite(level) else ""
    value += ' class="unranked"' if column in notes.section.misordered else ""
    return f"<td{value}>{' '.join(parts) or MISSING}</td>"


def head(title: str, small: str = "", about: str = "") -> str:
    """The head of a column that can be sorted, with a second line and an explanation."""
    second = f"<small>{text(small)}</small>" if small else ""
    hint = f' title="{text(about)}"' if about else ""
    return f'<th scope="col"><button type="button"{hint}>{text(title)}</button>{second}</th>'


def table(caption: str, heads: Sequence[str], methods: Iterable[str], anchors: Iterable[str]) -> str:
    """A table in a box of its own that scrolls sideways; the anchors stand below the methods and are not sorted."""
    body, below = "".join(methods), "".join(anchors)
    rows = f"<tbody>{body}</tbody>" + (f'<tbody class="anchors">{below}</tbody>' if below else "")
    return (
        f'<div class="scroll" role="region" tabindex="0" aria-label="{text(caption)}"><table class="sortable">'
        f"<caption>{text(caption)}</caption><thead><tr>{''.join(heads)}</tr></thead>{rows}</table></div>"
    )


def metric_table(caption: str, columns: Sequence[Column], lines: Sequence[Line], notes: Notes, section: str) -> str:
    """A table of metrics, methods down."""
    letters = marks(columns)
    heads = [head("method"), *(head(c.info.heading + letters[c], about=c.info.about) for c in columns)]

    def rows(anchors: bool) -> Iterable[str]:
        for line in lines:
            if line.anchor == anchors:
                cells = "".join(number_cell(line, column, notes, section) for column in columns)
                yield f'<tr><th scope="row">{text(notes.label(line))}</th>{cells}</tr>'

    return table(caption, heads, rows(False), rows(True))
