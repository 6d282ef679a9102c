"""Carry out a plan: fit the examiners, run the jobs that are due, and merge every record into the board at once."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from bench.errors import BenchError
from bench.evaluation.anchors import ANCHORS
from bench.evaluation.evaluator import row
from bench.execution.executor import Event, Limits, Task, run_tasks
from bench.execution.plan import Plan, is_done
from bench.experiment.job import Job
from bench.experiment.keys import content_key
from bench.leaderboard import merge, render
from bench.results.record import Record
from bench.results.run_dir import RunDir, check_writable, record_name
from bench.training.guide_and_judge import below_floor

ROLES = ("guide", "judge")


class Show(Protocol):
    """Who tells the user what happens."""

    def started(self, name: str) -> None: ...
    def progress(self, name: str, event: Event) -> None: ...
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
    checkpoint_every: float = 30.0
    labels: dict[str, str] = field(default_factory=dict)  # of the guide and the judge: name@digest
    found: dict[str, list[Record]] = field(default_factory=dict)  # by job key
    ends: dict[str, str] = field(default_factory=dict)  # by job key: cached, ok, failed, ...

    def __post_init__(self) -> None:
        self.folders = {job.key: RunDir(self.runs, job) for job in self.plan.jobs}

    @property
    def records(self) -> list[Record]:
        """What is known so far, in the order of the plan."""
        jobs = [*self.plan.jobs, *(job for job, _ in self.plan.broken)]
        return [record for job in jobs for record in self.found.get(job.key, [])]

    def run(self) -> int:
        """Do what is due. Returns the exit code: 0 all well, 1 some job or measurement failed."""
        check_writable(self.runs)
        check_writable(self.boards)
        due = [job for job in self.plan.jobs if not is_done(self.folders[job.key])]
        for job in self.plan.jobs:
            if job not in due:
                self._finish(job, "cached")
        try:
            if due or self.plan.broken:
                self._carry_out(due)
            self._report_broken()
        finally:  # also where the run is interrupted
            if self.records:
                render(self.boards, self.plan.board)
        return int(any(record.status not in ("ok", "skipped") for record in self.records))

    def _carry_out(self, due: list[Job]) -> None:
        """Fit the examiners and run the jobs, methods first: they train while the judge is still being fitted."""
        due = sorted(due, key=lambda job: job.entry in ANCHORS)
        by_name = {job.label: job for job in due}
        tasks = [Task(f"the {role}", self._payload("examiner", role) | {"role": role}) for role in ROLES]
        ready = frozenset({"the guide"})  # a job asks for the judge itself, when it has something to be judged
        tasks += [Task(job.label, self._payload("job", job.key) | {"job": job.to_dict()}, ready) for job in due]
        ended: list[tuple[Job, str, str]] = []
        doing: dict[str, str] = {}
        for task, event in self._watch(tasks):
            doing[task.name] = event.get("phase", doing.get(task.name, "starting"))
            if task.name not in by_name:
                self._note_examiner(task, event)
            elif "end" in event:
                reason = event["reason"] and f"{event['reason']} (while {doing[task.name]})"
                ended.append((by_name[task.name], event["end"], reason))
            while ended and len(self.labels) == len(ROLES):  # a row names both
                self._finish(*ended.pop(0))

    def _note_examiner(self, task: Task, event: Event) -> None:
        """Raises `BenchError` where the examiner could not be fitted, or is a judge that cannot be trusted."""
        if event.get("end", "ok") != "ok":
            raise BenchError(f"{task.name} could not be fitted: {event['reason']}")
        if "examiner" not in event:
            return
        role, accuracy = event["examiner"], event["accuracy"]
        self.labels[role] = event["label"]
        found = ", found in the cache" if event["cached"] else ""
        self.show.note(f"{role} {event['label']}: test accuracy {accuracy:.4f}{found}")
        why = below_floor(accuracy, self.plan.judge_floor, self.plan.classes) if role == "judge" else ""
        if why and self.plan.budget.trusts_judge:
            raise BenchError(why)
        self.show.note(why and f"smoke only: {why}")

    def _watch(self, tasks: list[Task]) -> Iterator[tuple[Task, Event]]:
        started: dict[str, float] = {}
        for task, event in run_tasks(tasks, self.plan.request.jobs, self.limits):
            if "start" in event:
                started[task.name] = time.monotonic()
                self.show.started(task.name)
            elif "end" in event:
                self.show.ended(task.name, event["end"], event["reason"], time.monotonic() - started[task.name])
            else:
                self.show.progress(task.name, event)
            yield task, event

    def _payload(self, kind: str, name: str) -> dict[str, Any]:
        device, request = self.plan.device, self.plan.request
        log = self.folders[name].log if name in self.folders else self.runs / "logs" / f"{name}.txt"
        return {
            "kind": kind,
            "log": str(log.absolute()),
            "runs": str(self.runs.absolute()),
            "cache": str(self.cache.absolute()),
            "dataset": request.dataset,
            "budget": request.budget,
            "guide": request.guide,
            "judge": request.judge,
            "device": device.kind,
            "threads": device.threads,
            "precision": device.precision,
            "checkpoint_every": self.checkpoint_every,
            "file_mb": self.limits.file_mb,
            "avoid": sorted(self.plan.unusable),
        }

    def _finish(self, job: Job, end: str, reason: str = "") -> None:
        """Collect the records of a job that ended, however it did, and put them on the board."""
        records = self._collect(job)
        if end == "ok" and not any(record.metric == "fit" for record in records):
            end, reason = "failed", "the process said that all was well, but left no record of its training"
        self.ends[job.key] = end
        if end not in ("cached", "ok"):
            failed = row(job, "fit", job.key, "fit", None, None, end, reason, *self._examiners())  # type: ignore[arg-type]
            records = [failed, *(record for record in records if record.metric != "fit")]
        self.found[job.key] = records
        merge(self.boards, records)

    def _report_broken(self) -> None:
        for job, reason in self.plan.broken:
            self.show.ended(job.label, "failed", reason, 0.0)
            record = row(job, "fit", job.key, "fit", None, None, "failed", reason, *self._examiners())
            self.ends[job.key] = "failed"
            self.found[job.key] = [record]
            merge(self.boards, [record])

    def _examiners(self) -> tuple[str, str]:
        return self.labels.get("guide", self.plan.request.guide), self.labels.get("judge", self.plan.request.judge)

    def _collect(self, job: Job) -> list[Record]:
        found = [self.folders[job.key].record(name, key) for name, key in measurements(job)]
        # the same training may serve two budgets that differ in the exam only: a record bears the name of this one
        return [replace(record, budget=job.budget) for records in found for record in records or []]

    def record_paths(self) -> list[Path]:
        """Every record file that this plan leads to."""
        return [self.folders[job.key].path / record_name(*of) for job in self.plan.jobs for of in measurements(job)]


def measurements(job: Job) -> list[tuple[str, str]]:
    """The name and key of every measurement of `job`, that of its training first."""
    from bench.metrics import METRICS

    return [("fit", job.key)] + [(metric.name, content_key(job.measuring(metric))) for metric in METRICS]
