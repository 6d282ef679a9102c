"""The exam of one job: draw, measure, write each record as soon as it is known. What was measured before is not redone."""

import math
import time
from typing import TYPE_CHECKING

from bench.api import CAPABILITIES, Classifier, Data, Generator, Model
from bench.evaluation.anchors import ANCHORS, LABELLED
from bench.experiment.job import Job
from bench.experiment.keys import content_key
from bench.results.record import Record, Status
from bench.results.run_dir import RunDir
from bench.training.context import JobContext
from bench.training.divergence import packed, unpacked
from bench.util.failure import explain

if TYPE_CHECKING:
    from bench.metrics import EvaluationContext, Metric


def examine(context: JobContext, model: Model | None) -> None:
    """Measure every metric that was not measured yet; one that fails is a row, and the others go on."""
    from bench.metrics import METRICS

    job, folder = context.run_dir.job, context.run_dir
    due = [metric for metric in METRICS if needs_measuring(folder, metric)]
    if not due:
        return
    samples, conditional, problem = _samples(context, model)
    context.guard.check("sample")
    exam = _exam(context, model, samples, conditional)
    for done, metric in enumerate(due):
        context.emit(phase=f"measuring {metric.name}", images=done, of=len(due), scalars={})
        parts = job.measuring(metric)
        records = _measure(context, metric, exam, model, conditional, problem, content_key(parts))
        if not CAPABILITIES.keys().isdisjoint(metric.needs):
            context.guard.check(f"what {metric.name} asked the method for")
        folder.write_record(metric.name, content_key(parts), records)


def needs_measuring(folder: RunDir, metric: "Metric") -> bool:
    """Whether this metric has no finished record yet: what failed is tried again."""
    records = folder.record(metric.name, content_key(folder.job.measuring(metric)))
    return records is None or any(record.status not in ("ok", "skipped") for record in records)


def _measure(
    context: JobContext,
    metric: "Metric",
    exam: "EvaluationContext",
    model: Model | None,
    conditional: bool,
    problem: str,
    key: str,
) -> list[Record]:
    from bench.metrics import Measured

    missing = metric.missing(model, conditional)
    if missing:
        return [_row(context, metric, metric.name, key, status="skipped", reason=missing)]
    if problem and "samples" in metric.needs:
        return [_row(context, metric, metric.name, key, status="failed", reason=problem)]
    try:
        measured: Measured = metric.compute(exam)
        values = {metric.name: measured.value} | {f"{metric.name}/{p}": v for p, v in measured.parts.items()}
        return [_row(context, metric, name, key, value=value, n=measured.n) for name, value in values.items()]
    except Exception as error:
        return [_row(context, metric, metric.name, key, status="failed", reason=explain(error))]


def _row(
    context: JobContext,
    metric: "Metric",
    name: str,
    key: str,
    value: float | None = None,
    n: int | None = None,
    status: Status = "ok",
    reason: str = "",
) -> Record:
    job = context.run_dir.job
    if value is not None and not math.isfinite(value):
        value, status, reason = None, "failed", f"the value is {value}"
    protocol = metric.protocol(job.samples, job.reference)
    return row(job, name, key, protocol, value, n, status, reason, context.guide.label, context.judge.label)


def row(job: Job, name: str, key: str, protocol: str, value: float | None, n: int | None, status: Status, reason: str,
        guide: str, judge: str) -> Record:  # fmt: skip
    """A record of `job`, with everything about the job filled in."""
    return Record(
        job.board, job.entry, job.plugin, job.distribution, job.version, job.setting_text, job.seed, job.budget,
        name, protocol, None if value is None else float(value), n, status, reason, guide, judge, job.device, key,
    )  # fmt: skip


def _exam(context: JobContext, model: Model | None, samples: Data | None, conditional: bool) -> "EvaluationContext":
    from bench.metrics import EvaluationContext

    job = context.run_dir.job
    return EvaluationContext(
        model=model,
        dataset=context.dataset,
        samples=samples,
        conditional=conditional,
        judge=context.judge.classifier,
        judge_digest=context.judge.digest,
        guide=context.guide.classifier,
        device=context.device,
        n=job.samples,
        reference=job.reference,
        seed=job.seed,
        costs=context.run_dir.costs("train.json") | context.run_dir.costs("sampling.json"),
        cache=context.cache,
    )


def _samples(context: JobContext, model: Model | None) -> tuple[Data | None, bool, str]:
    """The samples of the exam, whether their labels were asked for, and what went wrong."""
    job = context.run_dir.job
    if model is None:
        return ANCHORS[job.entry](context.dataset, job.samples, job.seed), job.entry in LABELLED, ""
    if isinstance(model, Classifier):
        return None, False, ""
    try:
        return *_drawn(context, model), ""
    except Exception as error:
        return None, hasattr(model, "sample_class"), f"sampling failed: {explain(error)}"


def _drawn(context: JobContext, model: Model) -> tuple[Data, bool]:
    from bench.metrics import draw_samples
    from bench.results.contact_sheet import save_grid

    assert isinstance(model, Generator)
    folder, job = context.run_dir, context.run_dir.job
    name = f"samples-{job.samples}.npz"
    if (drawn := folder.read(name, lambda payload: unpacked(payload, context.dataset.spec, job.samples))) is not None:
        return drawn

    def on_chunk(done: int, total: int) -> None:
        context.emit(phase="sampling", images=done, of=total, scalars={})

    on_chunk(0, job.samples)
    started = time.perf_counter()
    samples, conditional = draw_samples(model, job.samples, job.seed, context.device, on_chunk)
    seconds = time.perf_counter() - started
    folder.write("sampling.json", {"costs": {"sample-seconds-per-1000": 1000 * seconds / job.samples}})
    save_grid(samples, folder.path / "samples.png")
    folder.write_bytes(name, packed(samples, conditional))  # the last: where it is, the others are
    return samples, conditional
