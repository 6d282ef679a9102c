"""A board arranged for reading: a line for each method, a column for each metric and protocol."""

import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from bench.boards.gate import misordered
from bench.boards.over_seeds import mean
from bench.boards.ranks import Rank, rank, rank_correlation
from bench.boards.text import MISSING, spread
from bench.boards.uncertainty import Spread, sampled_metric, spread_of, standard_error
from bench.experiment.budget import BUDGETS
from bench.experiment.job import GIVEN
from bench.metrics.catalog import SAMPLING_SD, MetricInfo, direction, info, position
from bench.results.record import Record

ANCHORS = ("real", "replay", "blur", "slight-noise", "mean", "noise")  # in this order, in a block of their own
JOB = ("fit",)  # records about a whole job: not columns; if they failed, every cell of the job failed


class Line(NamedTuple):
    """One method of a section: numbers in one line come from the same settings, guide and device."""

    entry: str
    settings: str
    guide: str
    device: str

    @property
    def anchor(self) -> bool:
        return self.entry in ANCHORS


class Column(NamedTuple):
    """One metric under one protocol."""

    metric: str
    protocol: str

    @property
    def part(self) -> bool:
        return "/" in self.metric

    @property
    def uncertainty(self) -> bool:
        """Whether it says how far another metric varies."""
        return self.metric.partition("/")[0] == SAMPLING_SD

    @property
    def info(self) -> MetricInfo:
        return info(self.metric, self.protocol)


@dataclass(frozen=True)
class Cell:
    """What the seeds of one line say in one column."""

    ok: tuple[Record, ...] = ()
    failed: tuple[Record, ...] = ()  # of this metric, or the job it would have come from

    @property
    def values(self) -> list[float]:
        return [record.value for record in self.ok if record.value is not None]

    @property
    def tried(self) -> bool:
        """Whether the metric itself was measured for any seed, or failed."""
        return bool(self.ok) or any(record.metric not in JOB for record in self.failed)

    def text(self, seeds: int, note: Callable[[Record], str]) -> str:
        """Mean ± deviation, the number of seeds if it differs from `seeds`, and what failed."""
        parts = [spread(self.values)] if self.values else []
        if self.values and (len(self.values) == 1 or len(self.values) != seeds):
            parts.append(f"({len(self.values)} seed{'s' * (len(self.values) > 1)})")
        if self.failed:
            notes = ", ".join(dict.fromkeys(note(record) for record in self.failed))
            parts.append(f"{f'{len(self.failed)} ' if parts else ''}failed [{notes}]")
        return " ".join(parts) or MISSING


class Section:
    """All that may stand in one table: one budget, one judge, one kind of device."""

    def __init__(self, budget: str, judge: str, kind: str, records: Iterable[Record]) -> None:
        self.budget, self.judge, self.kind = budget, judge, kind
        self.records = sorted(records, key=lambda record: (record.seed, record.place))
        self._cells: dict[tuple[Line, Column], list[Record]] = {}
        for record in self.records:
            self._cells.setdefault((line_of(record), self._column(record)), []).append(record)

    @cached_property
    def lines(self) -> list[Line]:
        """Methods, the best mean rank first, then entries that draw no images, then the anchors."""
        return [*(list(self.ranks) or self._methods), *self.classifiers, *self.anchors]

    @cached_property
    def anchors(self) -> list[Line]:
        """In the order of `ANCHORS`."""
        found = {line for record in self.records if (line := line_of(record)).anchor}
        return sorted(found, key=lambda line: (ANCHORS.index(line.entry), line))

    @cached_property
    def columns(self) -> list[Column]:
        """Every metric but those of whole jobs, those never measured, and deviations, in the order of the catalogue."""
        measured = {
            column for (_, column), records in self._cells.items() if any(r.status != "skipped" for r in records)
        }
        shown = (column for column in measured if column.metric not in JOB and not column.uncertainty)
        return sorted(shown, key=_column_order)

    @property
    def given(self) -> bool:
        """Whether external images are among the lines."""
        return any(record.plugin == GIVEN for record in self.records)

    @cached_property
    def main(self) -> list[Column]:
        return [column for column in self.columns if not column.part and not column.info.cost]

    @cached_property
    def brought(self) -> list[Column]:
        """The metrics that third parties bring."""
        return [column for column in self.main if column.info.brought_by]

    @cached_property
    def images(self) -> list[Column]:
        """The metrics of images and classifiers, without those of control."""
        return [column for column in self.main if not column.info.control]

    @cached_property
    def control(self) -> list[Column]:
        """The metrics of control and disentanglement: a table of their own."""
        return [column for column in self.main if column.info.control]

    @cached_property
    def cost(self) -> list[Column]:
        return [column for column in self.columns if not column.part and column.info.cost]

    @property
    def parts(self) -> dict[str, list[Column]]:
        """The parts of metrics, by metric."""
        parts: dict[str, list[Column]] = {}
        for column in self.columns:
            if column.part:
                parts.setdefault(column.metric.partition("/")[0], []).append(column)
        return parts

    @cached_property
    def skipped(self) -> dict[Line, str]:
        """Methods that are not for these images, with the reason: they have no line in the tables."""
        found: dict[Line, list[Record]] = {}
        for record in self.records:
            found.setdefault(line_of(record), []).append(record)
        whole = {
            line: own for line, own in found.items() if all(r.metric in JOB and r.status == "skipped" for r in own)
        }
        return {line: own[-1].reason for line, own in sorted(whole.items())}

    @cached_property
    def seeds(self) -> list[int]:
        return sorted({record.seed for record in self.records})

    def seeds_of(self, line: Line) -> set[int]:
        return self._seeds_of[line]

    @property
    def judged(self) -> str:
        """Which judge scored; a data set without classes has none."""
        return f"judge {self.judge}" if self.judge else "no judge"

    def cell(self, line: Line, column: Column) -> Cell:
        """A job that failed before it came to this column counts as failed here, unless the method cannot have it."""
        records = self._cells.get((line, column), [])
        ok = tuple(record for record in records if record.status == "ok")
        failed = [record for record in records if record.status not in ("ok", "skipped")]
        seen = {record.seed for record in records}
        if not column.part and all(record.status != "skipped" for record in records):
            failed += [record for record in self._lost.get(line, []) if record.seed not in seen]
        return Cell(ok, tuple(failed))

    def at_floor(self, line: Line, column: Column) -> bool:
        """Whether the seeds cannot tell this method from real images, or it lies beyond them."""
        own, real = self.cell(line, column).values, self.anchor_values("real", line, column)
        if line.anchor or not own or not real or not all(map(math.isfinite, own + real)):
            return False
        sign = direction(column.info.better)
        beyond = sign != 0 and sign * (mean(own) - mean(real)) <= 0
        errors = standard_error(own, self.spread(line, column)), standard_error(real, None)
        return beyond or abs(mean(own) - mean(real)) <= 2 * math.hypot(*errors)

    def spread(self, line: Line, column: Column) -> Spread | None:
        """What training and sampling add to the spread of these values; None unless models were sampled again."""
        return spread_of(self.cell(line, column).values, self._within.get((line, column.metric), []))

    def anchor_values(self, name: str, line: Line, column: Column) -> list[float]:
        """The values of an anchor, preferably of the device and the guide of `line`; empty if there are none."""
        anchors = [other for other in self.anchors if other.entry == name]
        nearest = sorted(anchors, key=lambda other: (other.device != line.device, other.guide != line.guide))
        return next((values for other in nearest if (values := self.cell(other, column).values)), [])

    @cached_property
    def misordered(self) -> dict[Column, str]:
        """Metrics that say nothing about quality here, because anchors are out of order, and which anchors these are."""
        found = {column: misordered(self._anchor_values(column), column.info.better) for column in self.main}
        return {column: why for column, why in found.items() if why}

    @cached_property
    def ranked(self) -> list[Column]:
        """The columns that count for the ranks: of the declared metrics, those that some method has and that are in order."""
        declared = [column for column in self._declared if column not in self.misordered]
        return [column for column in declared if any(self.cell(line, column).values for line in self._methods)]

    @cached_property
    def ranks(self) -> dict[Line, Rank]:
        """By method, best first; empty unless there are two methods and a metric to rank them by."""
        if len(self._methods) < 2:
            return {}
        return rank({line: {column: self._score(line, column) for column in self.ranked} for line in self._methods})

    @property
    def no_ranks(self) -> str:
        """Why no ranks are shown, or an empty text."""
        if self.budget == "smoke":
            return "No ranks: the budget smoke says nothing about quality."
        if not self.ranks:
            return "No ranks: they need two methods and a metric that has a better and a worse."
        if all(rank.seeds < 2 for rank in self.ranks.values()):
            return "No ranks: they need at least two seeds."
        return ""

    def ranks_by(self, column: Column, needed: Iterable[Column]) -> dict[Line, Rank]:
        """Ranks by one column alone, of the methods that have finite values in all the columns that are needed."""
        cells = {line: [self.cell(line, each).values for each in needed] for line in self._methods}
        known = [line for line, values in cells.items() if all(own and all(map(math.isfinite, own)) for own in values)]
        return rank({line: {column: self._score(line, column)} for line in known})

    def agreement(self, first: Column, second: Column) -> tuple[int, float | None]:
        """How many methods have finite values in both columns, and Spearman's correlation of their means."""
        values = [[self.cell(line, column).values for column in (first, second)] for line in self._methods]
        means = [
            [mean(own) for own in both] for both in values if all(own and all(map(math.isfinite, own)) for own in both)
        ]
        return len(means), rank_correlation(*zip(*means, strict=True)) if means else None

    @cached_property
    def _seeds_of(self) -> dict[Line, set[int]]:
        found: dict[Line, set[int]] = {}
        for record in self.records:
            found.setdefault(line_of(record), set()).add(record.seed)
        return found

    @cached_property
    def classifiers(self) -> list[Line]:
        """Entries that draw no images: none of the metrics that count for the ranks applies to them."""
        return [line for line in self._entries if self._declared and not self._draws(line)]

    @cached_property
    def _methods(self) -> list[Line]:
        return [line for line in self._entries if line not in self.classifiers]

    @cached_property
    def _entries(self) -> list[Line]:
        lines = {line for record in self.records if not (line := line_of(record)).anchor}
        return sorted(lines - self.skipped.keys())

    @cached_property
    def _declared(self) -> list[Column]:
        return [column for column in self.main if column.info.ranked]

    def _anchor_values(self, column: Column) -> dict[str, list[float]]:
        return {name: self.anchor_values(name, self.anchors[0], column) for name in ANCHORS} if self.anchors else {}

    def _draws(self, line: Line) -> bool:
        cells = [self.cell(line, column) for column in self._declared]
        return any(cell.ok or cell.failed for cell in cells)

    def _score(self, line: Line, column: Column) -> dict[int, float | None]:
        sign, cell = (-1 if column.info.better == "higher" else 1), self.cell(line, column)
        ok: dict[int, float | None] = {r.seed: sign * r.value for r in cell.ok if r.value is not None}
        return ok | {record.seed: None for record in cell.failed}

    @cached_property
    def _lost(self) -> dict[Line, list[Record]]:
        """Records of whole jobs that failed."""
        lost: dict[Line, list[Record]] = {}
        for record in self.records:
            if record.metric in JOB and record.status not in ("ok", "skipped"):
                lost.setdefault(line_of(record), []).append(record)
        return lost

    @cached_property
    def _within(self) -> dict[tuple[Line, str], list[float]]:
        """Deviations over samplings of one model: a value for each seed."""
        found: dict[tuple[Line, str], list[float]] = {}
        for record in self.records:
            if record.value is not None and (metric := sampled_metric(record)):
                found.setdefault((line_of(record), metric), []).append(record.value)
        return found

    @cached_property
    def spreads(self) -> list[tuple[Line, Column, Spread]]:
        """Every method and ranked metric with a known spread."""
        cells = ((line, column) for line in self.lines for column in self._declared)
        return [(line, column, known) for line, column in cells if (known := self.spread(line, column))]

    @cached_property
    def _protocols(self) -> dict[str, str]:
        """A protocol for records that failed before they had one."""
        return {record.metric: record.protocol for record in reversed(self.records) if record.protocol}

    def _column(self, record: Record) -> Column:
        return Column(record.metric, record.protocol or self._protocols.get(record.metric, ""))


def sections(records: Iterable[Record]) -> list[Section]:
    """The largest budget first."""
    groups: dict[tuple[str, str, str], list[Record]] = {}
    for record in records:
        groups.setdefault((record.budget, device_kind(record.device), record.judge), []).append(record)
    order = list(BUDGETS)[::-1]
    keys = sorted(groups, key=lambda key: (order.index(key[0]) if key[0] in order else len(order), key))
    return [Section(budget, judge, kind, groups[budget, kind, judge]) for budget, kind, judge in keys]


def device_kind(device: str) -> str:
    """CPU or GPU: what the fingerprint of a device says."""
    return "CPU" if re.match(r"cpu\b|.*\b\d+ threads?\b", device, re.IGNORECASE) else "GPU" if device else "no device"


def line_of(record: Record) -> Line:
    """The line a record belongs to."""
    return Line(record.entry, record.settings, record.guide, record.device)


def _column_order(column: Column) -> tuple[object, ...]:
    natural = [
        (not part.isdigit(), int(part) if part.isdigit() else 0, part) for part in re.split(r"(\d+)", column.metric)
    ]
    return (position(column.metric), natural, column.protocol)
