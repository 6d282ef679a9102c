"""Whether the order of the methods depends on the judge: the second one is a network of another family."""

from collections.abc import Iterator
from typing import NamedTuple

from bench.boards.ranks import Rank
from bench.boards.view import Column, Line, Section
from bench.metrics.catalog import TWO_JUDGES

MARK = "≠"
MEANING = "ranked differently by the second judge"


class Opinions(NamedTuple):
    """One metric by both judges, over the methods that have both values."""

    first: Column
    second: Column
    methods: int
    correlation: float | None  # Spearman's; None for fewer than three methods, or if a judge finds all equal
    disputed: dict[Line, tuple[Rank, Rank]]  # both ranks of each method whose ranks contradict each other


def opinions(section: Section) -> Iterator[Opinions]:
    """For each metric of the first judge that the second one has measured under the same numbers of images."""
    for name, twin in TWO_JUDGES.items():
        for first in (column for column in section.main if column.metric == name):
            for second in (column for column in section.main if column.metric == twin and _alike(first, column)):
                methods, correlation = section.agreement(first, second)
                if methods:
                    yield Opinions(first, second, methods, correlation, _disputed(section, first, second))


def _alike(first: Column, second: Column) -> bool:
    """Whether both protocols state the same numbers of images."""
    settings, more = (set(column.protocol.split(":")[1].split(",")) for column in (first, second))
    return settings <= more


def _disputed(section: Section, first: Column, second: Column) -> dict[Line, tuple[Rank, Rank]]:
    both = [section.ranks_by(column, (first, second)) for column in (first, second)]
    pairs = {line: (both[0][line], both[1][line]) for line in both[0]}
    return {line: pair for line, pair in pairs.items() if _outside(*pair) and _outside(*reversed(pair))}


def _outside(rank: Rank, other: Rank) -> bool:
    """Whether a rank lies outside the interval of the other one; a single seed has no interval."""
    return other.low is not None and other.high is not None and not other.low <= rank.mean <= other.high
