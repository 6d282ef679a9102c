"""A board as HTML tables for a notebook: the headline metrics, methods down, metrics across."""

from collections.abc import Iterable, Sequence
from html import escape

from bench.boards.headline import control_headline, headline
from bench.boards.notes import Notes
from bench.boards.summary import summary
from bench.boards.text import GIVEN_IMAGES
from bench.boards.view import Column, Line, sections
from bench.results.record import Record
from bench.util.text import shown


def to_html(records: Iterable[Record]) -> str:
    """One table for each section and pillar, its failures and what to take from it."""
    return "\n".join(part for section in sections(records) for part in _section(Notes(section)))


def _section(notes: Notes) -> list[str]:
    section = notes.section
    facts = [section.records[0].dataset, f"budget {section.budget}", section.kind, section.judged]
    tables = [_table(" · ".join(facts), section.lines, headline(section), notes)]
    if control := control_headline(section):
        tables.append(_table("control", section.lines, control, notes))
    given = [GIVEN_IMAGES] if section.given else []
    given += [f"{notes.brought}."] if notes.brought else []
    skipped = [f"Skipped: {text}" for text in notes.left_out]
    failures = [f"[{it.number}] {notes.label(it.line)}, seed {it.seed}: {it.reason}" for it in notes.failures]
    return [*tables, *(f"<p>{_safe(text)}</p>" for text in [*given, *skipped, *failures, *summary(notes)])]


def _table(title: str, lines: Sequence[Line], columns: Sequence[Column], notes: Notes) -> str:
    head = "".join(f"<th>{_safe(column.info.heading)}</th>" for column in columns)
    shown_lines = [line for line in lines if any(notes.section.cell(line, column).tried for column in columns)]
    rows = "".join(_row(line, columns, notes) for line in shown_lines)
    return (
        f"<table><caption>{_safe(title)}</caption><thead><tr><th></th>{head}</tr></thead><tbody>{rows}</tbody></table>"
    )


def _row(line: Line, columns: Sequence[Column], notes: Notes) -> str:
    seeds = len(notes.section.seeds_of(line))
    cells = [notes.section.cell(line, column).text(seeds, notes.number) for column in columns]
    label = f"<i>{_safe(notes.label(line))}</i>" if line.anchor else _safe(notes.label(line))
    return f"<tr><th>{label}</th>{''.join(f'<td>{_safe(cell)}</td>' for cell in cells)}</tr>"


def _safe(text: str) -> str:
    return escape(shown(text))
