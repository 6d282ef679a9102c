"""From a request to its records: what `bench run` and `bench.run` share."""

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bench.execution.conditions import Conditions
from bench.experiment.request import RunRequest
from bench.results.record import Record

if TYPE_CHECKING:
    from bench.execution.executors.base import Limits
    from bench.execution.given import GivenSamples
    from bench.execution.plan import Plan
    from bench.execution.session import Session, Show

logger = logging.getLogger("bench")


@dataclass(frozen=True)
class Outcome:
    """All records of a run in the order of its plan, and how its jobs ended, by key."""

    records: list[Record]
    ends: dict[str, str] = field(default_factory=dict)

    @property
    def failed(self) -> list[Record]:
        return [record for record in self.records if record.failed]


def find_finished(request: RunRequest, conditions: Conditions) -> Outcome | None:
    """What a finished run with this request found, merged into its board; None if anything is left to do."""
    from bench.results.manifest import find_manifest

    records = None if conditions.strict or request.isolated else find_manifest(conditions.runs, request)
    if records is None:
        return None
    from bench.boards import board_path, merge, render
    from bench.pages import write_pages

    merge(conditions.boards, records)
    render(conditions.boards, records[0].dataset)
    if not board_path(conditions.boards, records[0].dataset, ".html").exists():
        write_pages(conditions.boards, records[0].dataset, conditions.runs)
    return Outcome(records)


def prepare(request: RunRequest, conditions: Conditions, isolated: bool = True) -> "Plan":
    """The plan of a request. Raises `BenchError` for every complaint about it, before any computation.

    isolated: try plugins in a process of their own first, which needs `worker_server`.
    """
    from bench.boards import check_board
    from bench.execution.executors.engines import device_of
    from bench.execution.isolated_import import refused
    from bench.execution.plan import make_plan

    device = device_of(request, conditions.runs)
    plan = make_plan(request, conditions.strict, refused if isolated else None, device)
    check_board(conditions.boards, plan.board, plan.jobs[0].data_digest)  # the same for all jobs
    return plan


def carry_out(plan: "Plan", conditions: Conditions, show: "Show", given: "GivenSamples | None" = None) -> Outcome:
    """Run the jobs of a plan that are not done. `given`: the images of a plan that scores these instead of a method.

    Raises `BenchError` if a folder cannot be written or the judge is not reliable.
    """
    from bench.evaluation.shared_anchors import take_anchors
    from bench.execution.executors.engines import executor_of
    from bench.execution.outline import time_needed
    from bench.execution.session import Session
    from bench.results.run_dir import check_writable
    from bench.util.paths import cache_dir

    session = Session(
        plan, conditions.runs, conditions.boards, cache_dir(), _limits(plan, conditions), show,
        executor_of(plan, conditions.runs, cache_dir()), conditions.checkpoint_every,
        conditions.share_anchors,
    )  # fmt: skip
    check_writable(conditions.runs)
    if given is not None:
        given.place(plan, conditions.runs)
    if conditions.share_anchors:
        take_anchors(plan.jobs, conditions.runs, cache_dir())
    show.expect(time_needed(plan, conditions.runs))
    if session.run() == 0:
        _write_manifest(session, conditions)
    return Outcome(session.records, session.ends)


def _limits(plan: "Plan", conditions: Conditions) -> "Limits":
    from bench.execution.executors.base import Limits

    jobs = plan.request.jobs
    if not plan.request.engine.is_local:  # each node finds its own defaults
        memory, disk = conditions.memory, conditions.disk
        return Limits(conditions.timeout or plan.budget.timeout, memory and memory * 1024, disk and disk * 1024)
    return Limits(conditions.timeout or plan.budget.timeout, conditions.memory_mb(jobs), conditions.file_mb(jobs))


def _write_manifest(session: "Session", conditions: Conditions) -> None:
    from bench.results.manifest import write_manifest

    plan = session.plan
    # a skipped method has no record files, and an environment is not known without asking it
    if plan.data_files is None or plan.skipped or plan.request.isolated:
        return
    try:
        tuning = {job.entry: job.tuning for job in plan.jobs}
        write_manifest(conditions.runs, plan.request, session.record_paths(), plan.data_files, tuning)
    except OSError as error:  # the results are saved; finding them takes longer next time
        logger.warning("could not write a manifest in %s: %s", conditions.runs, error.strerror)
