"""What a reader should take from a section of a board, in three lines at most."""

import math
from collections.abc import Sequence

from bench.boards.headline import headline
from bench.boards.notes import Notes
from bench.boards.over_seeds import mean, same_within_error
from bench.boards.view import Column, Line, Section

SMOKE = "Budget smoke: these numbers say nothing about quality."


def summary(notes: Notes) -> list[str]:
    """The best method on each headline metric, the methods outside `real`..`mean`, and the limits of the budget."""
    section = notes.section
    drawing = [line for line in section.lines if not line.anchor and line not in section.classifiers]
    lines = [_best(drawing, notes), _outside(drawing, notes), SMOKE if section.budget == "smoke" else ""]
    return [line for line in lines if line]


def _best(methods: Sequence[Line], notes: Notes) -> str:
    """Methods that the seeds do not tell apart from the best one are named with it."""
    found = []
    for column in _judged_by(notes.section):
        values = {line: cell.values for line in methods if (cell := notes.section.cell(line, column)).values}
        values = {line: own for line, own in values.items() if all(map(math.isfinite, own))}
        if len(values) < 2 or not column.info.better or column in notes.section.misordered:
            continue
        choose = min if column.info.better == "lower" else max
        best = choose(values, key=lambda line: mean(values[line]))
        equal = [line for line, own in values.items() if line != best and _tied(own, values[best])]
        found.append(f"{column.metric} {' ≈ '.join(map(notes.label, [best, *equal]))}")
    return f"Best: {'; '.join(found)}." if found else ""


def _judged_by(section: Section) -> list[Column]:
    """The headline metrics of the host."""
    return [column for column in headline(section) if not column.info.brought_by]


def _tied(own: list[float], best: list[float]) -> bool:
    """A single seed tells nothing about the spread, so that only equal values tie."""
    return mean(own) == mean(best) or (len(own) > 1 and len(best) > 1 and same_within_error(own, best))


def _outside(methods: Sequence[Line], notes: Notes) -> str:
    """Those that score better than held-out real images or worse than one image over and over."""
    section, found, compared = notes.section, [], False
    for line in methods:
        better, worse = [], []
        for column in _judged_by(section):
            bounds = [_anchor(section, name, line, column) for name in ("real", "mean")]
            own = section.cell(line, column).values
            if not own or None in bounds or not column.info.better:
                continue
            compared = True
            sign = 1 if column.info.better == "lower" else -1
            real, constant, value = (sign * level for level in (*bounds, mean(own)))  # type: ignore[operator]
            better += [column.metric] if value < real else []
            worse += [column.metric] if value > constant else []
        found += [f"{notes.label(line)} (better than real: {', '.join(better)})"] if better else []
        found += [f"{notes.label(line)} (worse than mean: {', '.join(worse)})"] if worse else []
    if found:
        return f"Outside real..mean: {'; '.join(found)}."
    return "Every method lies between real and mean." if compared else ""


def _anchor(section: Section, name: str, line: Line, column: Column) -> float | None:
    values = section.anchor_values(name, line, column)
    return mean(values) if values and all(map(math.isfinite, values)) else None
