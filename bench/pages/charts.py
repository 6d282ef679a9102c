"""The numbers that the charts of a section show; the script of the page draws them."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

from bench.boards.notes import Notes
from bench.boards.over_seeds import deviation, mean
from bench.boards.view import Column, Line, Section
from bench.pages.short_table import pillars

COST = "train-seconds"
SPACES = ("fd-lite0", "fd-lite2", "fd-judge", "fd-judge2", "fid", "clean-fid", "kid-lite0")  # whose orders are compared


def charts(notes: Notes) -> dict[str, Any]:
    """`points`: one a line, with a value and a deviation for each axis; `axes`: their names; `agreement`: of spaces."""
    section = notes.section
    axes = pillars(section)
    axes |= {"cost": column} if (column := _cost(section)) else {}
    names = {axis: column.info.heading for axis, column in axes.items()}
    better = {axis: column.info.better or "" for axis, column in axes.items()}
    points = [_point(line, axes, notes) for line in section.lines]
    return {"axes": names, "better": better, "points": points, "agreement": list(_agreement(section))}


def _cost(section: Section) -> Column | None:
    return next((column for column in section.cost if column.metric == COST), None)


def _point(line: Line, axes: dict[str, Column], notes: Notes) -> dict[str, Any]:
    point: dict[str, Any] = {"method": notes.label(line), "anchor": line.anchor}
    for axis, column in axes.items():
        values = notes.section.cell(line, column).values
        if values and all(map(math.isfinite, values)):
            spread = deviation(values) if len(values) > 1 else 0.0
            point |= {axis: mean(values), f"{axis}-deviation": spread if math.isfinite(spread) else 0.0}
    return point


def _agreement(section: Section) -> Iterator[dict[str, Any]]:
    """Spearman's correlation of the orders of methods, for each pair of spaces that both tell methods apart."""
    found = [column for name in SPACES for column in section.main if column.metric == name]
    for first in found:
        for second in found:
            methods, value = section.agreement(first, second)
            if value is not None:
                yield {
                    "first": first.metric,
                    "second": second.metric,
                    "value": _oriented(value, (first, second)),
                    "methods": methods,
                }


def _oriented(value: float, pair: Sequence[Column]) -> float:
    """Agreement on which method is better, also if one of the metrics is better when higher."""
    return value if len({column.info.better for column in pair}) == 1 else -value
