"""What a job has to measure, and what of it is missing."""

from typing import TYPE_CHECKING

from bench.experiment.job import Job
from bench.experiment.keys import content_key
from bench.results.record import FIT
from bench.results.run_dir import RunDir

if TYPE_CHECKING:
    from bench.metrics import Metric


def measurements(job: Job) -> list[tuple[str, str]]:
    """The name and key of every measurement of `job`, that of its training first."""
    return [(FIT, job.key)] + [(metric.name, content_key(job.measuring(metric))) for metric in metrics_of(job)]


def missing_metrics(run_dir: RunDir) -> "list[Metric]":
    """The metrics without a finished record. Failed ones are measured again."""
    return [metric for metric in metrics_of(run_dir.job) if _is_missing(run_dir, metric)]


def metrics_of(job: Job) -> "list[Metric]":
    """The metrics of the host, then those that third parties bring."""
    from bench.metrics import METRICS
    from bench.metrics.brought import Brought, metric_of

    return [*METRICS, *(metric_of(Brought(**described)) for described in job.brought)]


def is_done(run_dir: RunDir) -> bool:
    """Whether the job is trained and every metric is measured."""
    return run_dir.record(FIT, run_dir.job.key) is not None and not missing_metrics(run_dir)


def _is_missing(run_dir: RunDir, metric: "Metric") -> bool:
    key = content_key(run_dir.job.measuring(metric))
    records = run_dir.record(metric.name, key)
    if records is None:  # what was missing for it may be there now, or something else may be missing
        noted = run_dir.unavailable(metric.name, key)
        return noted is None or any(record.reason != metric.absent() for record in noted)
    return any(record.failed for record in records)
