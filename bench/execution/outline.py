"""What a run would do: its jobs, their keys, what is done already, and how long the rest may take."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench.evaluation.pending import is_done
from bench.execution.past import Past, total
from bench.execution.plan import Plan
from bench.experiment.job import Job
from bench.results.run_dir import RunDir


def outline(plan: Plan, runs: Path) -> list[dict[str, Any]]:
    """One row a job: entry, seed, key, whether it is cached, and an estimate in seconds, if there is one."""
    rows, past = [], Past(runs)
    for job in plan.jobs:
        folder = RunDir(runs, job)
        done = is_done(folder)
        rows.append({"entry": job.entry, "label": job.label, "settings": job.setting_text, "seed": job.seed, "key": job.key,
                     "images": job.images, "cached": done, "seconds": 0.0 if done else past.seconds(job),
                     "folder": str(folder.path)})  # fmt: skip
    rows += [_not_run(job) | {"skipped": reason} for job, reason in plan.skipped]
    return rows + [_not_run(job) | {"broken": reason} for job, reason in plan.broken]


def _not_run(job: Job) -> dict[str, Any]:
    return {"entry": job.entry, "label": job.label, "settings": job.setting_text, "seed": job.seed, "key": "",
            "images": 0, "cached": False, "seconds": 0.0, "folder": ""}  # fmt: skip


def time_needed(plan: Plan, runs: Path) -> dict[str, float | None]:
    """By label: the estimate in seconds of each job that is not done, None if there is none."""
    return {row["label"]: row["seconds"] for row in outline(plan, runs) if row["key"] and not row["cached"]}


@dataclass(frozen=True)
class Cost:
    """What the jobs that are not done may take on the executor of a request."""

    executor: str
    at_once: int  # jobs at a time
    seconds: float  # from the first start to the last end, waiting in a queue not counted
    core_hours: float
    gpu_hours: float
    unknown: int  # jobs without an estimate, which are not counted

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def cost_of(plan: Plan, rows: list[dict[str, Any]], at_once: int) -> Cost:
    """The cost of the rows of `outline`."""
    engine = plan.request.engine
    whole, longest, unknown = total(row["seconds"] for row in rows)
    cores = engine.number("cpus", plan.device.threads)
    gpus = 0.0 if plan.device.kind == "cpu" else engine.gpus
    time = max(whole / at_once, longest)
    return Cost(str(engine), at_once, time, cores * whole / 3600, gpus * whole / 3600, unknown)
