"""How many jobs have ended, and how long the rest may take. Every step costs the same for 10 and 10,000 jobs."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass
class _Alike:
    """The jobs of one entry: alike but for their seeds."""

    waiting: dict[str, float | None] = field(default_factory=dict)  # not ended: seconds from earlier runs, by name
    known: float = 0.0  # sum of these seconds
    unknown: int = 0  # how many of these are None
    ended: int = 0
    spent: float = 0.0  # seconds of the ended ones

    @property
    def mean(self) -> float | None:
        """Seconds of one that has ended in this run."""
        return self.spent / self.ended if self.ended else None

    def whole(self, name: str) -> float | None:
        """Seconds that a job takes, as far as anybody knows."""
        return self.waiting[name] if self.mean is None else self.mean

    @property
    def total(self) -> float | None:
        """Seconds that all that have not ended take, from their starts."""
        if self.mean is not None:
            return len(self.waiting) * self.mean
        return None if self.unknown else self.known


class Jobs:
    """How long the jobs left may take: from earlier runs, or from finished jobs of an entry."""

    def __init__(self, at_once: int) -> None:
        """at_once: jobs at a time; 0 if that is unknown, so that no time can be told."""
        self._at_once = at_once
        self._count = self._done = 0
        self._names: dict[str, _Alike] = {}
        self._groups: dict[str, _Alike] = {}
        self._running: dict[str, float] = {}  # when they started

    def expect(self, estimates: Mapping[str, float | None]) -> None:
        """The jobs to come, with the seconds that each takes, or None if that is unknown. The count begins anew."""
        self._count, self._done = len(estimates), 0
        self._names, self._groups = {}, {}
        for name, seconds in estimates.items():
            group = self._groups.setdefault(entry_of(name), _Alike())
            group.waiting[name] = seconds
            group.known += seconds or 0.0
            group.unknown += seconds is None
            self._names[name] = group

    def __contains__(self, name: str) -> bool:
        return name in self._names

    def started(self, name: str) -> None:
        self._running[name] = time.monotonic()

    def ended(self, name: str, seconds: float) -> None:
        self._running.pop(name, None)
        group = self._names.get(name)
        if group is None or name not in group.waiting:
            return
        estimate = group.waiting.pop(name)
        group.known -= estimate or 0.0
        group.unknown -= estimate is None
        group.ended, group.spent = group.ended + 1, group.spent + seconds
        self._done += 1

    def text(self) -> str:
        """`3 of 8 jobs, about 2 min left`; no time if one of the jobs is unknown, and nothing without jobs."""
        if not self._count:
            return ""
        count = f"{self._done} of {self._count} jobs"
        totals = [group.total for group in self._groups.values()]
        known = [total for total in totals if total is not None]
        if len(known) < len(totals) or not self._at_once:
            return count
        begun = self._begun()
        left = max(
            (sum(known) - sum(whole - rest for whole, rest in begun)) / self._at_once, *(r for _, r in begun), 0.0
        )
        left = max(left, self._longest())
        return f"{count}, about {duration(left)} left" if left else count

    def _begun(self) -> list[tuple[float, float]]:
        """Of each job that runs: the seconds that it takes, and those that it still needs."""
        now = time.monotonic()
        wholes = {name: self._names[name].whole(name) or 0.0 for name in self._running if self._waits(name)}
        return [(whole, max(0.0, whole - (now - self._running[name]))) for name, whole in wholes.items()]

    def _longest(self) -> float:
        """Seconds of an entry's job that has not started; of one of them, since they are alike."""
        firsts = (
            next(((group, name) for name in group.waiting if name not in self._running), None)
            for group in self._groups.values()
        )
        return max((first[0].whole(first[1]) or 0.0 for first in firsts if first), default=0.0)

    def _waits(self, name: str) -> bool:
        return name in self._names and name in self._names[name].waiting


def entry_of(name: str) -> str:
    """The label of a job without its seed."""
    return name.rpartition(" seed ")[0]


def duration(seconds: float) -> str:
    """Rounded as people say it: `40 s`, `3 min`, `2.5 h`."""
    if seconds < 90:
        return f"{max(seconds, 1):.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
