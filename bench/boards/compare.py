"""Two methods of a board side by side: differences paired over training seeds, with confidence intervals."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

from bench.boards.notes import Notes
from bench.boards.over_seeds import deviation, mean
from bench.boards.view import Column, Line, Section, line_of, sections
from bench.errors import BenchError, nearest
from bench.results.record import Record

COVERAGE = 0.95


@dataclass(frozen=True)
class Difference:
    """One metric of two methods, over the seeds that both have."""

    metric: str
    heading: str
    protocol: str
    seeds: tuple[int, ...]
    first: tuple[float, ...]
    second: tuple[float, ...]
    difference: float  # mean of first - second
    low: float | None  # of the interval; None for a single seed
    high: float | None
    better: str  # "first", "second", or "" if the interval holds 0 or the metric has no better side


@dataclass(frozen=True)
class Comparison:
    """What `bench compare` shows."""

    dataset: str
    facts: str  # of the section
    first: str  # labels
    second: str
    lines: tuple[Line, Line]
    section: Section
    differences: tuple[Difference, ...]


def compare(records: Sequence[Record], first: str, second: str, budget: str | None = None) -> Comparison:
    """Compare two methods, each named by its entry, `entry[settings]`, or the key of one training.

    Of the sections that have both, the one with the most seeds in common counts, then the largest budget. Raises
    `BenchError` if there is none.
    """
    found = [section for section in sections(records) if budget in (None, section.budget)]
    pairs = [
        (section, own, other)
        for section in found
        for own, other in product(_lines(section, first), _lines(section, second))
        if own != other or first != second
    ]
    if not pairs:
        raise BenchError(_nothing(found, first, second, budget))
    section, own, other = max(pairs, key=lambda it: len(_seeds(it[0], it[1], it[2], first, second)))
    notes, seeds = Notes(section), _seeds(section, own, other, first, second)
    if not seeds:
        raise BenchError(f"{first} and {second} have no training seed in common at budget {section.budget}")
    columns = [*section.main, *section.cost]
    differences = [it for column in columns if (it := _difference(section, column, own, other, seeds))]
    facts = " · ".join([f"budget {section.budget}", section.kind, section.judged])
    labels = notes.label(own), notes.label(other)
    return Comparison(section.records[0].dataset, facts, *labels, (own, other), section, tuple(differences))


def interval(differences: Sequence[float]) -> tuple[float, float] | None:
    """Student's interval of the mean of paired differences; None for fewer than two."""
    from scipy.stats import t

    n = len(differences)
    if n < 2:
        return None
    half = float(t.ppf((1 + COVERAGE) / 2, n - 1)) * deviation(differences) / math.sqrt(n)
    return mean(differences) - half, mean(differences) + half


def _difference(section: Section, column: Column, own: Line, other: Line, seeds: Sequence[int]) -> Difference | None:
    """None unless both have a finite value for some seed."""
    values = [{r.seed: r.value for r in section.cell(line, column).ok if r.value is not None} for line in (own, other)]
    shared = [s for s in seeds if all(s in side and math.isfinite(side[s]) for side in values)]
    if not shared:
        return None
    first, second = (tuple(side[seed] for seed in shared) for side in values)
    paired = [a - b for a, b in zip(first, second, strict=True)]
    found = interval(paired)
    low, high = found or (None, None)
    info = column.info
    return Difference(
        column.metric, info.heading, column.protocol, tuple(shared), first, second, mean(paired), low, high,
        _better(low, high, info.better or ""),
    )  # fmt: skip


def _better(low: float | None, high: float | None, side: str) -> str:
    if low is None or high is None or low <= 0 <= high or not side:
        return ""
    return "first" if (high < 0) == (side == "lower") else "second"


def _lines(section: Section, name: str) -> list[Line]:
    """The lines that a name can mean."""
    if re.fullmatch("[0-9a-f]{6,}", name):
        return list(dict.fromkeys(line_of(r) for r in section.records if r.metric == "fit" and r.key.startswith(name)))
    entry, _, settings = name.partition("[")
    wanted = (entry.strip(), settings.rstrip("] ").strip())
    return [line for line in section.lines if (line.entry, line.settings) == wanted]


def _seeds(section: Section, own: Line, other: Line, first: str, second: str) -> list[int]:
    """The seeds that both have; a key stands for one seed."""
    sides = [_own_seeds(section, line, name) for line, name in ((own, first), (other, second))]
    return sorted(set.intersection(*sides))


def _own_seeds(section: Section, line: Line, name: str) -> set[int]:
    if re.fullmatch("[0-9a-f]{6,}", name):
        return {r.seed for r in section.records if r.metric == "fit" and r.key.startswith(name)}
    return section.seeds_of(line)


def _nothing(found: Sequence[Section], first: str, second: str, budget: str | None) -> str:
    """Why there is nothing to compare."""
    if first == second:
        return f"expected two different methods, got {first!r} twice"
    labels = [Notes(section).label(line) for section in found for line in section.lines]
    names = list(dict.fromkeys(label.replace(" [", "[") for label in labels))
    for name in (first, second):
        if not any(_lines(section, name) for section in found):
            where = f" at budget {budget}" if budget else ""
            return f"no row of {name!r}{where}: {nearest(name, names)}"
    return f"{first} and {second} have no section in common: they were scored with different budgets, judges or devices"
