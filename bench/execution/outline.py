"""What a run would do: its jobs, their keys, what is done already, and how long the rest may take."""

from pathlib import Path
from typing import Any

from bench.evaluation.pending import is_done
from bench.execution.plan import Plan
from bench.experiment.job import Job
from bench.results.run_dir import RunDir, jobs_in, look


def outline(plan: Plan, runs: Path) -> list[dict[str, Any]]:
    """One row a job: entry, seed, key, whether it is cached, and an estimate in seconds, if there is one."""
    rows = []
    for job in plan.jobs:
        folder = RunDir(runs, job)
        done = is_done(folder)
        seconds = 0.0 if done or not job.images else estimate(job, runs)
        rows.append({"entry": job.entry, "label": job.label, "settings": job.setting_text, "seed": job.seed, "key": job.key,
                     "images": job.images, "cached": done, "seconds": seconds, "folder": str(folder.path)})  # fmt: skip
    return rows + [
        {"entry": job.entry, "label": job.label, "settings": "", "seed": job.seed, "key": "", "images": 0, "cached": False,
         "seconds": 0.0, "folder": "", "broken": reason}
        for job, reason in plan.broken
    ]  # fmt: skip


def time_needed(plan: Plan, runs: Path) -> dict[str, float | None]:
    """By label: the estimate in seconds of each job that is not done, None if there is none."""
    return {row["label"]: row["seconds"] for row in outline(plan, runs) if not row["cached"]}


def estimate(job: Job, runs: Path) -> float | None:
    """Seconds of training, from the speed of the latest finished run of this entry on this device and data set."""
    speeds = []
    for folder, written in jobs_in(runs):
        former = written["job"]
        same = all(former[name] == getattr(job, name) for name in ("entry", "dataset", "device"))
        if same and (speed := look(folder / "train.json", _speed)):
            speeds.append((folder.stat().st_mtime, speed))
    return job.images / max(speeds)[1] if speeds else None


def _speed(content: Any) -> float:
    return float(content["costs"]["images-per-second"])
