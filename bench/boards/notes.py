"""What stands around the tables of a section: the names of its lines, numbered failures, what was not measured."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

from bench.boards.two_judges import Opinions, opinions
from bench.boards.view import JOB, Column, Line, Section, line_of
from bench.experiment.job import GIVEN
from bench.metrics.catalog import BROUGHT, SECOND_JUDGE
from bench.results.record import Record

MISORDERED = "Not ranked: anchors are out of order, so these say nothing about quality on this data set"
NOT_STATED = "not stated"


@dataclass
class Failure:
    """One reason for one seed of one line, and the metrics it cost."""

    number: int
    line: Line
    seed: int
    status: str
    reason: str
    metrics: list[str] = field(default_factory=list)

    @property
    def what(self) -> str:
        return "the job" if set(self.metrics) & set(JOB) else ", ".join(self.metrics)


class Notes:
    """The notes of one section, as plain text."""

    def __init__(self, section: Section) -> None:
        self.section = section
        self.guides = sorted({line.guide for line in section.lines if line.guide})
        self.devices = sorted({line.device for line in section.lines if line.device})

    def label(self, line: Line) -> str:
        """The entry and its settings; if a section has several guides or devices, also which of them."""
        parts = [line.entry]
        if line.settings:
            parts.append(f"[{line.settings}]")
        if len(self.guides) > 1 and line.guide:
            parts.append(f"(guide {self.guides.index(line.guide) + 1})")
        if len(self.devices) > 1 and line.device:
            parts.append(f"(device {self.devices.index(line.device) + 1})")
        return " ".join(parts)

    def number(self, record: Record) -> str:
        """The number of the note that says why this record failed."""
        return str(self._failures[_failure_key(record)].number)

    @property
    def failures(self) -> list[Failure]:
        return list(self._failures.values())

    @property
    def facts(self) -> list[tuple[str, str]]:
        """What holds for the whole section."""
        seeds = ", ".join(map(str, self.section.seeds))
        main = {column.metric for column in self.section.main}
        counts = sorted({record.n for record in self.section.records if record.metric in main and record.n is not None})
        facts = [("budget", self.section.budget)] + ([("judge", self.section.judge)] if self.section.judge else [])
        facts += _numbered("guide", self.guides) + _numbered("device", self.devices) + [("seeds", seeds)]
        if counts:
            facts.append(("n", f"{counts[0]:,}" if len(counts) == 1 else f"{counts[0]:,} to {counts[-1]:,}, see below"))
        return facts

    def counts(self, column: Column) -> list[int]:
        """On how many images the numbers of this column were measured."""
        records = [record for line in self.section.lines for record in self.section.cell(line, column).ok]
        return sorted({record.n for record in records if record.n is not None})

    @property
    def skipped(self) -> list[tuple[str, list[str], list[str]]]:
        """By reason: the metrics that were not measured, and the lines this holds for."""
        found: dict[str, tuple[list[str], list[str]]] = {}
        for record in self.section.records:
            if record.status == "skipped" and record.metric not in JOB:
                metrics, labels = found.setdefault(record.reason, ([], []))
                _add(metrics, record.metric)
                _add(labels, self.label(line_of(record)))
        return [(reason, sorted(metrics), sorted(labels)) for reason, (metrics, labels) in sorted(found.items())]

    def misordered(self, columns: Sequence[Column]) -> str:
        """Those of the metrics whose anchors are out of order, as a sentence; empty if there are none."""
        found = self.section.misordered
        names = [f"{column.metric} ({found[column]})" for column in columns if column in found]
        return f"{MISORDERED}: {'; '.join(names)}." if names else ""

    @cached_property
    def opinions(self) -> list[Opinions]:
        """What the two judges say about the order of the methods; empty at a budget that says nothing about quality."""
        return [] if self.section.budget == "smoke" else list(opinions(self.section))

    def disputed(self, line: Line, column: Column) -> bool:
        """Whether the ranks of a method by the two judges contradict each other on this metric."""
        return any(column in (each.first, each.second) and line in each.disputed for each in self.opinions)

    @property
    def second_judge(self) -> str:
        """How far the two judges agree, as a sentence; empty if the second one has measured nothing."""
        found = [f"{each.first.metric} {each.correlation:.2f} over {each.methods} methods" for each in self.opinions
                 if each.correlation is not None]  # fmt: skip
        if not found:
            return ""
        listed = "; ".join(found)
        return f"Spearman's rank correlation of the judge and the second judge ({SECOND_JUDGE}): {listed}."

    @property
    def tuning(self) -> list[tuple[str, list[str]]]:
        """What authors say about how they chose the settings, each with its methods; empty if none says anything."""
        found: dict[str, list[str]] = {}
        for record in self.section.records:
            if record.metric in JOB and not record.settings and not line_of(record).anchor and record.plugin != GIVEN:
                _add(found.setdefault(record.tuning or NOT_STATED, []), record.entry)
        silent = found.pop(NOT_STATED, [])
        said = sorted((text, sorted(names)) for text, names in found.items())
        return [*said, (NOT_STATED, sorted(silent))] if said and silent else said

    @property
    def brought(self) -> str:
        """Which metrics third parties bring, and who; empty if there are none."""
        found: dict[str, list[str]] = {}
        for column in self.section.brought:
            _add(found.setdefault(column.info.brought_by, []), column.metric)
        said = "; ".join(f"{', '.join(names)} by {who}" for who, names in sorted(found.items()))
        return f"{BROUGHT} not a metric of bench, and not ranked: {said}" if said else ""

    @property
    def left_out(self) -> list[str]:
        """Methods that are not for these images, each with the reason."""
        return [f"{self.label(line)}: {reason}" for line, reason in self.section.skipped.items()]

    @property
    def versions(self) -> dict[str, list[str]]:
        """By distribution and version: the entries that were measured with it."""
        found: dict[str, list[str]] = {}
        for record in self.section.records:
            _add(found.setdefault(f"{record.distribution} {record.version}", []), record.entry)
        return {version: sorted(found[version]) for version in sorted(found)}

    @property
    def mixed(self) -> list[str]:
        """Lines whose seeds were measured with several versions of their plugin."""
        found: dict[str, set[str]] = {}
        for record in self.section.records:
            found.setdefault(self.label(line_of(record)), set()).add(record.version)
        return sorted(label for label, versions in found.items() if len(versions) > 1)

    @cached_property
    def _failures(self) -> dict[tuple[Line, int, str, str], Failure]:
        found: dict[tuple[Line, int, str, str], Failure] = {}
        failed = [record for record in self.section.records if record.status not in ("ok", "skipped")]
        order = {line: place for place, line in enumerate(self.section.lines)}
        for record in sorted(failed, key=lambda record: (order[line_of(record)], record.seed)):
            key = _failure_key(record)
            note = found.setdefault(key, Failure(len(found) + 1, *key))
            _add(note.metrics, record.metric)
        return found


def marks(columns: Sequence[Column]) -> dict[Column, str]:
    """A letter behind each metric that is listed under several protocols."""
    letters = {}
    for column in columns:
        same = [other for other in columns if other.metric == column.metric]
        letters[column] = f" ({chr(ord('a') + same.index(column))})" if len(same) > 1 else ""
    return letters


def _failure_key(record: Record) -> tuple[Line, int, str, str]:
    return (line_of(record), record.seed, record.status, record.reason)


def _numbered(what: str, names: list[str]) -> list[tuple[str, str]]:
    if len(names) < 2:
        return [(what, name) for name in names]
    return [(f"{what} {number}", name) for number, name in enumerate(names, 1)]


def _add(names: list[str], name: str) -> None:
    if name not in names:
        names.append(name)
