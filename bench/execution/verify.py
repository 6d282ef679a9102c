"""Check published rows: measure kept samples again, or train new seeds and see whether they agree.

What is measured lies in a folder of its own: neither the run directories nor the board change.
"""

import os
import random
import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from bench.errors import BenchError
from bench.execution.carry_out import carry_out
from bench.execution.conditions import Conditions
from bench.execution.plan import Plan, make_plan
from bench.execution.session import Show
from bench.experiment.defaults import complete
from bench.experiment.job import Job
from bench.experiment.request import ClassifierRef
from bench.metrics.catalog import info
from bench.results.record import FIT, Record
from bench.results.run_dir import RunDir, jobs_in

State = Literal["equal", "close", "different", "not verified"]
TOLERANCE = 1e-3  # relative, of values that another device or another version of torch measures
HARDWARE = {"device", "torch"}  # what may differ between the machine that made a row and this one
LEFT = ("records", "checkpoints", "tensorboard")  # of a run directory: not needed to measure its samples


@dataclass(frozen=True)
class Verdict:
    """What came of one row."""

    record: Record
    state: State
    measured: float | None = None
    why: str = ""


def verify(
    records: Sequence[Record], runs: Path, work: Path, show: Show, rows: int | None = None, seed: int = 0
) -> list[Verdict]:
    """Measure the samples behind `records` again: all that have a value, or `rows` of them, chosen at random.

    `runs` holds the run directories, `work` is an empty folder. Values are equal to the last bit on the device and with
    the version of torch that made them, and within `TOLERANCE` elsewhere.
    """
    folders = {written["key"]: (path, written["job"]) for path, written in jobs_in(runs)}
    keys = {record.job: record.key for record in records if record.metric == FIT}
    chosen = [record for record in records if _has_value(record)]
    kept = [record for record in chosen if keys.get(record.job) in folders]
    if rows is not None:
        kept = random.Random(seed).sample(kept, min(rows, len(kept)))
        chosen = kept
    lost = [
        Verdict(record, "not verified", why=f"its run directory is not in {runs}")
        for record in chosen
        if record not in kept
    ]
    found: list[Verdict] = []
    for key in dict.fromkeys(keys[record.job] for record in kept):
        own = [record for record in kept if keys[record.job] == key]
        found += _verify_job(own, *folders[key], work / key[:12], show)
    return [*found, *lost]


def _has_value(record: Record) -> bool:
    return record.status == "ok" and record.metric != FIT and not info(record.metric).cost


def _verify_job(
    records: list[Record], folder: Path, written: Mapping[str, Any], work: Path, show: Show
) -> list[Verdict]:
    try:
        job = read_job(written)
        plan = plan_again(job)
    except BenchError as error:
        return [Verdict(record, "not verified", why=str(error)) for record in records]
    (planned,) = plan.jobs
    changed = {name for name, value in job.training.items() if planned.training.get(name) != value}
    if other := changed - HARDWARE:
        why = "; ".join(_difference(name, job, planned) for name in sorted(other))
        return [Verdict(record, "different", why=why) for record in records]
    _copy(folder, RunDir(work / "runs", planned).path, {record.metric.partition("/")[0] for record in records})
    conditions = Conditions(work / "runs", work / "boards", share_anchors=False)
    measured = {record.metric: record for record in carry_out(plan, conditions, show).records}
    return [_verdict(record, measured.get(record.metric), bool(changed)) for record in records]


def read_job(written: Mapping[str, Any]) -> Job:
    """The job of a run directory. Raises `BenchError` if another version wrote it."""
    try:
        return Job.from_dict(dict(written))
    except (TypeError, KeyError, ValueError) as error:
        raise BenchError("its job.json was written by another version of bench") from error


def plan_again(job: Job, seeds: str | None = None) -> Plan:
    """The plan of one job on this machine, without anchors; or of the same method with other seeds.

    Raises `BenchError` if it cannot be planned, e.g. because its plugin is not installed.
    """
    settings = [f"{job.entry}.{name}={value}" for name, value in job.settings]
    threads = re.search(r"\b(\d+) threads?\b", job.device)  # as the job had, if it ran on a CPU
    anchor = not job.config and not job.images and not job.given
    request = complete(
        "classifier" if anchor else job.entry, job.dataset, split=job.split, labels=None, seeds=seeds or str(job.seed), budget=job.budget,
        settings=settings, guide=job.guide or None, judge=job.judge or None, device="cpu" if threads else "auto",
        jobs=None,
    )  # fmt: skip
    request = replace(request, jobs=1, threads=int(threads[1]) if threads else request.threads)
    plan = make_plan(request)
    if _keys(plan) != (job.guide_key, job.judge_key):  # the row was made with classifiers that were trained there
        anew = make_plan(replace(request, guide=_fitted(request.guide), judge=_fitted(request.judge)))
        plan = anew if _keys(anew) == (job.guide_key, job.judge_key) else plan
    jobs = tuple(
        planned for planned in plan.jobs if planned.entry == job.entry and planned.setting_text == job.setting_text
    )
    if not jobs:
        raise BenchError(f"{job.label} cannot be planned here: {_why(plan)}")
    return replace(plan, jobs=jobs, skipped=(), broken=())


def _why(plan: Plan) -> str:
    return next((reason for _, reason in (*plan.broken, *plan.skipped)), "it is not known")


def _fitted(ref: ClassifierRef) -> ClassifierRef:
    return replace(ref, fresh=True)


def _keys(plan: Plan) -> tuple[str, str]:
    return plan.jobs[0].guide_key, plan.jobs[0].judge_key


def _difference(name: str, job: Job, planned: Job) -> str:
    before, now = (str(one.training.get(name, "")) for one in (job, planned))
    words = {"source": "the source of its plugin", "data_digest": "its data", "config": "its settings",
             "guide_key": "its guide"}  # fmt: skip
    return f"{words.get(name, name)} was {before[:40]}, and is {now[:40]} here"


def _copy(source: Path, target: Path, metrics: Iterable[str]) -> None:
    """A run directory without the records of `metrics`, so that these are measured again. Files are shared if possible."""
    shutil.copytree(
        source, target, ignore=shutil.ignore_patterns(*LEFT, ".lock", "*.html", "*.png"), copy_function=_link
    )
    (target / "records").mkdir()
    for path in (source / "records").glob("*.json"):
        name = path.name.rpartition("-")[0]
        if name not in {*metrics, FIT}:
            _link(str(path), str(target / "records" / path.name))


def _link(source: str, target: str) -> None:
    with suppress(OSError):
        os.link(source, target)
        return
    shutil.copy2(source, target)


def _verdict(record: Record, again: Record | None, elsewhere: bool) -> Verdict:
    """Compare a row with what was measured now."""
    if again is None or again.value is None or record.value is None:
        return Verdict(record, "not verified", why=again.reason if again else "it was not measured here")
    if record.protocol != again.protocol:
        return Verdict(
            record, "different", again.value, f"it was measured as {record.protocol}, which is {again.protocol} now"
        )
    if record.judge != again.judge:
        return Verdict(record, "not verified", again.value, f"it was scored by {record.judge}, here by {again.judge}")
    if record.value == again.value:
        return Verdict(record, "equal", again.value)
    off = abs(record.value - again.value) / max(abs(record.value), abs(again.value))
    if elsewhere and off <= TOLERANCE:
        return Verdict(record, "close", again.value)
    return Verdict(
        record, "different", again.value, f"the board has {record.value!r}, measured again it is {again.value!r}"
    )


def as_row(verdict: Verdict) -> dict[str, Any]:
    """A verdict as plain values."""
    return {"state": verdict.state, "measured": verdict.measured, "why": verdict.why, "row": asdict(verdict.record)}
