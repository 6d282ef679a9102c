"""Carry out a plan: fit the guide, judge and probe, run the jobs, and merge every record into the board at once."""

import logging
import time
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from bench.boards import add, render
from bench.errors import BenchError
from bench.evaluation.anchors import ANCHORS
from bench.evaluation.pending import is_done, measurements
from bench.execution.executors.base import Executor, Limits, Task, in_order
from bench.execution.messages import Ended, FitClassifier, Fitted, Progressed, RunJob, RunSettings, Started
from bench.execution.past import note_spent
from bench.execution.plan import Plan
from bench.experiment.device import Device
from bench.experiment.job import Job
from bench.pages import write_pages
from bench.results.record import FIT, Record, Status
from bench.results.run_dir import RunDir, check_writable, record_name, unavailable_name
from bench.training.classifier_spec import Role
from bench.training.guide_and_judge import below_floor

NAMED: tuple[Role, ...] = ("guide", "judge")  # in every row
logger = logging.getLogger("bench")


class Show(Protocol):
    """Tells the user what happens."""

    def expect(self, seconds: Mapping[str, float | None]) -> None:
        """The jobs to come, with the seconds that each may take, None if that is unknown."""

    def started(self, name: str) -> None: ...
    def progress(self, name: str, event: Progressed) -> None: ...
    def ended(self, name: str, end: str, reason: str, seconds: float) -> None: ...
    def note(self, text: str) -> None: ...


@dataclass
class Session:
    """One plan being carried out in `runs`, with its board in `boards`."""

    plan: Plan
    runs: Path
    boards: Path
    cache: Path
    limits: Limits
    show: Show
    executor: Executor
    checkpoint_every: float = 30.0  # seconds
    share_anchors: bool = True
    found: dict[str, list[Record]] = field(default_factory=dict)  # by job key
    ends: dict[str, str] = field(default_factory=dict)  # by job key: cached, ok, failed, ...

    def __post_init__(self) -> None:
        self.run_dirs = {job.key: RunDir(self.runs, job) for job in self.plan.jobs}
        none = [role for role in NAMED if role not in self.plan.roles]  # of a data set without classes
        self.begun: set[str] = set()  # keys of jobs that an earlier run has begun
        self.labels: dict[Role, str] = dict.fromkeys(none, "")  # of the guide, the judge and the probe: name@digest

    @property
    def records(self) -> list[Record]:
        """All records so far, in the order of the plan."""
        jobs = [*self.plan.jobs, *(job for job, _ in (*self.plan.skipped, *self.plan.broken))]
        return [record for job in jobs for record in self.found.get(job.key, [])]

    def run(self) -> int:
        """Run the jobs that are not done. Returns the exit code: 0 if nothing failed, else 1."""
        check_writable(self.runs)
        check_writable(self.boards)
        for job, reason in self.plan.skipped:
            self.show.ended(job.label, "skipped", reason, 0.0)
        missing = []
        for job in self.plan.jobs:
            if is_done(self.run_dirs[job.key]):
                self._finish(job, "cached")
            else:
                missing.append(job)
        try:
            if missing or self.plan.broken:
                self._run_jobs(missing)
            self._report_skipped()
            self._report_broken()
        finally:  # also if the run is interrupted
            if self.records:
                render(self.boards, self.plan.board)
        if self.records:
            write_pages(self.boards, self.plan.board, self.runs)
        return int(any(record.failed for record in self.records))

    def record_paths(self) -> list[Path]:
        """Every record file that this plan has led to."""
        return [
            self._record_path(self.run_dirs[job.key].path, *of) for job in self.plan.jobs for of in measurements(job)
        ]

    @staticmethod
    def _record_path(folder: Path, name: str, key: str) -> Path:
        measured = folder / record_name(name, key)
        return measured if measured.exists() else folder / unavailable_name(name, key)

    def _run_jobs(self, jobs: list[Job]) -> None:
        """Fit what judges and run the jobs, methods first: they train while the judge and the probe are still being fitted."""
        self.begun = {job.key for job in jobs if self.run_dirs[job.key].path.exists()}
        by_name = {job.label: job for job in sorted(jobs, key=lambda job: job.entry in ANCHORS)}
        waiting: deque[tuple[Job, Ended, float]] = deque()
        started: dict[str, float] = {}
        phases: dict[str, str] = {}
        for task, event in in_order(self.executor.run(list(self._tasks(by_name)), self.limits)):
            if isinstance(event, Started):
                started[task.name] = time.monotonic()
                self.show.started(task.name)
            elif isinstance(event, Progressed):
                phases[task.name] = event.phase
                self.show.progress(task.name, event)
            elif isinstance(event, Fitted):
                self._note_classifier(event)
            elif task.name in by_name:
                seconds = time.monotonic() - started[task.name]
                waiting.append((by_name[task.name], _located(event, phases.get(task.name, "starting")), seconds))
            else:
                self._end_classifier(task.name, event, time.monotonic() - started[task.name])
            while waiting and all(role in self.labels for role in NAMED):
                self._end_job(*waiting.popleft())

    def _tasks(self, jobs: dict[str, Job]) -> Iterator[Task]:
        settings = self._settings()
        # where jobs overlap with fits, a job waits for the judge or the probe itself, when it needs one
        first = [role for role in self.plan.roles if role == "guide" or not self.executor.overlaps]
        after = frozenset(f"the {role}" for role in first)
        fits = {
            role: Task(f"the {role}", FitClassifier(role, (self.runs / "logs" / f"{role}.txt").absolute(), settings))
            for role in self.plan.roles
        }
        yield from (fits.pop(role) for role in NAMED if role in fits)
        for name, job in jobs.items():
            yield self._task(name, job, settings, after)
            yield from fits.values()  # the probe, which is needed last: after the first job has started
            fits.clear()

    def _task(self, name: str, job: Job, settings: RunSettings, after: frozenset[str]) -> Task:
        """In another environment a job fits nothing itself: its libraries would fit other weights."""
        log = self.run_dirs[job.key].log.absolute()
        if not job.environment:
            return Task(name, RunJob(job, log, settings), after)
        keys = {"guide": job.guide_key, "judge": job.judge_key, "probe": job.oracle_key.partition(":")[0]}
        fitted = replace(settings, avoid=(), keys=tuple((role, keys[role]) for role in self.plan.roles))
        return Task(
            name, RunJob(job, log, fitted), frozenset(f"the {role}" for role in self.plan.roles), job.environment
        )

    def _settings(self) -> RunSettings:
        request = self.plan.request
        return RunSettings(
            runs=self.runs.absolute(),
            cache=self.cache.absolute(),
            dataset=request.dataset,
            guide=request.guide,
            judge=request.judge,
            budget=request.budget,
            device=_alone(self.plan.device),
            checkpoint_every=self.checkpoint_every,
            file_mb=self.limits.file_mb,
            avoid=tuple(sorted(self.plan.unusable)),
            share_anchors=self.share_anchors,
        )

    def _note_classifier(self, event: Fitted) -> None:
        """Raises `BenchError` for a judge that is not reliable."""
        self.labels[event.role] = event.label
        found = "" if event.origin == "fitted" else f" ({event.origin})"
        quality = event.summary if event.role == "probe" else f"test accuracy {event.accuracy:.4f}"
        self.show.note(f"{event.role} {event.label}: {quality}{found}")
        if event.role == "probe":
            return
        floor = self.plan.judge_floor if event.role == "judge" else None
        why = below_floor(event.role, event.accuracy, floor, self.plan.classes)
        if why and event.role == "judge" and self.plan.budget.trusts_judge:
            raise BenchError(why)
        if why:
            logger.warning("%s", why)

    def _end_classifier(self, name: str, event: Ended, seconds: float) -> None:
        """Raises `BenchError` if the guide or the judge could not be fitted; only some metrics need the probe."""
        self.show.ended(name, event.end, event.reason, seconds)
        if event.end != "ok" and name != "the probe":
            raise BenchError(f"{name} could not be fitted: {event.reason}")

    def _end_job(self, job: Job, event: Ended, seconds: float) -> None:
        end, reason = self._finish(job, event.end, event.reason)
        if end == "ok" and job.key not in self.begun:
            note_spent(self.run_dirs[job.key], seconds)
        self.show.ended(job.label, end, reason, seconds)

    def _finish(self, job: Job, end: str, reason: str = "") -> tuple[str, str]:
        """Collect the records of a job and merge them into the board. Returns how it ended and why."""
        records = self._collect(job)
        if end == "ok" and not any(record.metric == FIT for record in records):
            end, reason = "failed", "the worker reported success but wrote no training record"
        if end not in ("cached", "ok"):
            records = [self._failure(job, end, reason), *(record for record in records if record.metric != FIT)]
        elif end == "ok" and any(record.failed for record in records):
            end, reason = _of_records(records)
        self.ends[job.key] = end
        self.found[job.key] = records
        add(self.boards, records)
        return end, reason

    def _report_broken(self) -> None:
        for job, reason in self.plan.broken:
            self.show.ended(job.label, "failed", reason, 0.0)
            self.ends[job.key] = "failed"
            self.found[job.key] = [self._failure(job, "failed", reason)]
            add(self.boards, self.found[job.key])

    def _report_skipped(self) -> None:
        """Add the rows of methods that are not for these images, beside those of the jobs of this run."""
        for job, reason in self.plan.skipped:
            self.ends[job.key] = "skipped"
            self.found[job.key] = [self._failure(job, "skipped", reason)]
            add(self.boards, self.found[job.key])

    def _failure(self, job: Job, status: Status | str, reason: str) -> Record:
        """The row of a job that was not trained."""
        names = {role: self._label(role) for role in NAMED}
        return Record.of(job, FIT, job.key, FIT, status=status, reason=reason, **names)  # type: ignore[arg-type]

    def _label(self, role: Role) -> str:
        """The name of the guide or the judge, also if this run found all jobs cached; else what was asked for."""
        if role in self.labels:
            return self.labels[role]
        names = (str(getattr(record, role)) for records in self.found.values() for record in records)
        return next(names, str(getattr(self.plan.request, role)))

    def _collect(self, job: Job) -> list[Record]:
        folder = self.run_dirs[job.key]
        found = [folder.record(*of) or folder.unavailable(*of) for of in measurements(job)]
        # a training can serve two budgets that differ only in the evaluation, and its authors can change what they say
        return [_of_now(record, job) for records in found for record in records or []]


def _alone(device: Device) -> Device:
    """The device as a process names it that sees one GPU alone."""
    return device if device.kind == "cpu" else replace(device, kind="cuda")


def _of_now(record: Record, job: Job) -> Record:
    return replace(record, budget=job.budget, tuning=job.tuning if record.metric == FIT else "")


def _located(event: Ended, phase: str) -> Ended:
    failed = event.reason and event.end != "ok"
    return replace(event, reason=f"{event.reason} (while {phase})") if failed else event


def _of_records(records: list[Record]) -> tuple[str, str]:
    """How a job that ran to its end is reported: failed if one of its measurements failed."""
    reasons = {record.reason: record for record in records if record.failed}
    names = [record.metric for record in records if record.failed]
    reason, record = next(iter(reasons.items()))
    more = f", and {len(names) - 1} more" if len(names) > 1 else ""
    return "failed", f"{reason} ({record.metric}{more})"
