"""A board as LaTeX tables with booktabs: one for each section, methods down, metrics across."""

import math
import re
from collections.abc import Iterable, Sequence

from bench.boards.headline import control_headline, headline
from bench.boards.notes import Notes
from bench.boards.over_seeds import mean
from bench.boards.text import MISSING, spread
from bench.boards.view import Column, Line, sections
from bench.results.record import Record
from bench.util.text import shown

SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "_": r"\_", "%": r"\%",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "↓": r"$\downarrow$", "↑": r"$\uparrow$", "±": r"$\pm$",
    "–": "--", "∞": r"$\infty$", "≈": r"$\approx$", "≠": r"$\neq$", "†": r"$\dagger$", "·": r"$\cdot$", "<": r"\textless{}", ">": r"\textgreater{}",
}  # fmt: skip


def to_latex(records: Iterable[Record], everything: bool = False) -> str:
    """The tables; they need `\\usepackage{booktabs}`. The best value of a column is bold.

    everything: all metrics instead of the headline metrics.
    """
    tables = [_table(Notes(section), everything) for section in sections(records)]
    return "\n\n".join([r"% needs \usepackage{booktabs}", *tables]) + "\n"


def escaped(text: str) -> str:
    """Any text, on one line, with every character that means something to LaTeX escaped; others beyond ASCII are left."""
    return "".join(SPECIAL.get(character, character) for character in shown(text))


def _table(notes: Notes, everything: bool) -> str:
    section = notes.section
    columns = section.main if everything else [*headline(section), *control_headline(section)]
    lines = [line for line in section.lines if any(section.cell(line, column).tried for column in columns)]
    best = {column: _best(lines, column, notes) for column in columns}
    heads = " & ".join(["method", *(escaped(column.info.heading) for column in columns)])
    rows = [_row(line, columns, best, notes) for line in lines if not line.anchor]
    anchors = [_row(line, columns, best, notes) for line in lines if line.anchor]
    title = " · ".join([section.records[0].dataset, f"budget {section.budget}", section.kind, section.judged])
    failures = [notes.brought] if notes.brought else []
    failures += [f"[{it.number}] {notes.label(it.line)}, seed {it.seed}: {it.reason}" for it in notes.failures]
    top = [
        f"% {shown(title)}",
        rf"\begin{{tabular}}{{l{'r' * len(columns)}}}",
        r"\toprule",
        heads + r" \\",
        r"\midrule",
    ]
    middle = [*rows, *([r"\midrule"] if rows and anchors else []), *anchors]
    bottom = [r"\bottomrule", r"\end{tabular}", *(f"% {shown(text)}" for text in failures)]
    return "\n".join([*top, *middle, *bottom])


def _row(line: Line, columns: Sequence[Column], best: dict[Column, float], notes: Notes) -> str:
    label = escaped(notes.label(line))
    cells = [_cell(line, column, best[column], notes) for column in columns]
    return " & ".join([rf"\textit{{{label}}}" if line.anchor else label, *cells]) + r" \\"


def _cell(line: Line, column: Column, best: float, notes: Notes) -> str:
    cell = notes.section.cell(line, column)
    text = escaped(spread(cell.values)) if cell.values else ""
    if text and not line.anchor and mean(cell.values) == best:
        text = rf"\textbf{{{text}}}"
    if cell.failed:
        text = f"{text} failed [{', '.join(dict.fromkeys(map(notes.number, cell.failed)))}]".strip()
    return re.sub(r"(?<=\d),(?=\d{3})", "{,}", text) or escaped(MISSING)


def _best(lines: Sequence[Line], column: Column, notes: Notes) -> float:
    """The best mean of a method; nan if the metric has no better side or fewer than two methods have it."""
    levels = [mean(values) for line in lines if not line.anchor and (values := notes.section.cell(line, column).values)]
    finite = [level for level in levels if math.isfinite(level)]
    if column.info.better is None or len(finite) < 2:
        return math.nan
    return min(finite) if column.info.better == "lower" else max(finite)
