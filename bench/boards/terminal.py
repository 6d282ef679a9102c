"""A board for the terminal, and for other programs."""

import json
import math
import re
from collections.abc import Iterable
from typing import get_args

from bench.boards.blocks import FLOOR, blocks
from bench.boards.headline import control_headline, headline
from bench.boards.notes import Notes
from bench.boards.summary import summary
from bench.boards.text import GIVEN_IMAGES, MISSING
from bench.boards.two_judges import MARK, MEANING
from bench.boards.view import Column, Line, Section, sections
from bench.metrics.control.kinds import OracleKind
from bench.results.record import Record
from bench.util.columns import GAP, columns, fold
from bench.util.text import one_line

ORACLES = get_args(OracleKind)
ANCHORS = (
    "real: held-out images; replay: the training set; blur, slight-noise: real images, damaged; mean: one image over and "
    "over; noise: random pixels."
)


def board_text(records: Iterable[Record], width: int | None = None, everything: bool = False) -> str:
    """The board as plain text that fits `width` columns, or as wide as it needs.

    Shows the headline metrics, or with `everything` all metrics and costs.
    """
    return "\n\n".join("\n".join(_section(Notes(section), width, everything)) for section in sections(records))


def to_json(records: Iterable[Record]) -> str:
    """A list of objects with the fields of a record; what JSON cannot say (nan, infinity) is null."""
    rows = [record.to_dict() for record in records]
    for row in rows:
        if row["value"] is not None and not math.isfinite(row["value"]):
            row["value"] = None
    return json.dumps(rows, indent=1, ensure_ascii=True, allow_nan=False)


def _section(notes: Notes, width: int | None, everything: bool) -> list[str]:
    section = notes.section
    images, control = _shown(section, everything)
    parts = [[line for text in _title(notes) for line in fold(one_line(text), width, "  ")]]
    if images:
        parts.append(blocks(section.lines, images, notes, width))
    if control:
        parts.append([f"control{_readers(control)}", *blocks(_with(section, control), control, notes, width)])
    if everything and section.cost:
        costing = _with(section, section.cost)
        parts.append(["costs (comparable on one device only)", *blocks(costing, section.cost, notes, width)])
    parts.append(_ranks(notes, width))
    texts = [*_legend(notes, everything), *_skipped(notes), *_failures(notes), *(_tuning(notes) if everything else [])]
    parts.append([line for text in texts for line in fold(one_line(text), width, "  ")])
    parts.append([line for text in summary(notes) for line in fold(one_line(text), width, "  ")])
    return [line for part in parts if part for line in ("", *part)][1:]


def _shown(section: Section, everything: bool) -> tuple[list[Column], list[Column]]:
    """The metrics of images, and those of control."""
    if everything:
        return section.images, section.control
    return headline(section), control_headline(section)


def _with(section: Section, columns: list[Column]) -> list[Line]:
    """The lines that have a number, or a failure of its own, in one of these columns."""
    return [line for line in section.lines if any(section.cell(line, column).tried for column in columns)]


def _readers(columns: list[Column]) -> str:
    """By whom attributes were read, from the protocols."""
    found = {match[1] for column in columns if (match := re.match(r"[a-z-]+@([a-z]+):", column.protocol))}
    names = sorted(found.intersection(ORACLES))
    return f", attributes read by {' and '.join(names)}" if names else ""


def _title(notes: Notes) -> list[str]:
    section = notes.section
    seeds = f"{len(section.seeds)} seed{'s' * (len(section.seeds) > 1)}"
    facts = [section.records[0].dataset, f"budget {section.budget}", section.kind, section.judged, seeds]
    several = [name for names in (notes.guides, notes.devices) if len(names) > 1 for name in names]
    return [" · ".join(facts), *(f"{name}: {value}" for name, value in notes.facts if value in several)]


def _ranks(notes: Notes, width: int | None) -> list[str]:
    """Mean rank, interval and group, unless the seeds or the budget say too little."""
    section = notes.section
    if section.no_ranks:
        return []
    rows = [["", "mean rank", "95 % interval", "group"]]
    for line, rank in section.ranks.items():
        if rank.low is None or rank.high is None:  # a single seed has no rank
            cells = [MISSING] * 3
        else:
            cells = [f"{rank.mean:.2f}", f"{rank.low:.2f} to {rank.high:.2f}", str(rank.group)]
        rows.append([one_line(notes.label(line)), *cells])
    rooms = [max(len(row[index]) for row in rows) for index in range(1, len(rows[0]))]
    joined = [
        [row[0], (" " * GAP).join(cell.rjust(room) for cell, room in zip(row[1:], rooms, strict=True))] for row in rows
    ]
    over = f"Ranks over {', '.join(column.metric for column in section.ranked)}; "
    over += "the seeds do not distinguish methods of one group."
    return [*columns(joined, width), *fold(over, width, "  ")]


def _legend(notes: Notes, everything: bool) -> list[str]:
    section = notes.section
    shown = [column for columns in _shown(section, everything) for column in columns]
    shown += section.cost if everything else []
    cells = [section.cell(line, column) for line in section.lines for column in shown]
    parts = ["↓ lower is better", "↑ higher is better", f"{MISSING} not measured"]
    parts += ["mean ± standard deviation over seeds"] if any(len(cell.values) > 1 for cell in cells) else []
    if any(section.at_floor(line, column) for line in section.lines for column in shown):
        parts.append(f"{FLOOR} as good as real, or better")
    if any(notes.disputed(line, column) for line in section.lines for column in shown):
        parts.append(f"{MARK} {MEANING}")
    parts += ["[1] failed, see below"] if any(cell.failed for cell in cells) else []
    lines = ["; ".join(parts) + "."]
    lines += [ANCHORS] if any(line.anchor for line in section.lines) else []
    lines += [GIVEN_IMAGES] if section.given else []
    lines += [text] if (text := notes.misordered(shown)) else []
    lines += [text] if everything and (text := notes.second_judge) else []
    lines += [f"{notes.brought}."] if notes.brought else []
    hidden = len(section.main) + len(section.cost) - len(shown)
    return [*lines, *([f"{hidden} more metrics and costs: --all"] if hidden else [])]


def _tuning(notes: Notes) -> list[str]:
    return [f"Settings of {', '.join(names)}: {text}." for text, names in notes.tuning]


def _skipped(notes: Notes) -> list[str]:
    return [f"Skipped: {text}" for text in notes.left_out]


def _failures(notes: Notes) -> list[str]:
    return [
        f"[{note.number}] {notes.label(note.line)}, seed {note.seed}, {note.what}: {note.status}: {note.reason}"
        for note in notes.failures
    ]
