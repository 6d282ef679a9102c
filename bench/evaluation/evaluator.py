"""The evaluation of one job: sample, measure, and write each record as soon as it is known."""

import time
from functools import partial
from typing import TYPE_CHECKING

from bench.api import CAPABILITIES, Classifier, Data, Generator, Model
from bench.errors import BenchError
from bench.evaluation.anchors import ANCHORS, LABELLED
from bench.evaluation.pending import missing_metrics
from bench.experiment.budget import find_budget
from bench.experiment.keys import content_key
from bench.results.contact_sheet import save_samples
from bench.results.record import Record
from bench.results.samples import pack_samples, samples_name, unpack_samples
from bench.training.context import JobContext
from bench.util.failure import explain

if TYPE_CHECKING:
    from bench.metrics import EvaluationContext, Metric
    from bench.metrics.control.oracle import Oracle


def evaluate(context: JobContext, model: Model | None) -> None:
    """Measure every metric that is still missing; one that fails becomes a row and does not stop the others."""
    from bench.evaluation.pictures import save_pictures

    missing = missing_metrics(context.run_dir)
    if not missing:
        return
    job = context.run_dir.job
    samples, conditional, problem = _samples(context, model)
    context.guard.restore("sample")
    evaluation = _evaluation_context(context, model, samples, conditional)
    for done, metric in enumerate(missing):
        context.progress(f"measuring {metric.name}", done, len(missing), {})
        key = content_key(job.measuring(metric))
        if unavailable := _unavailable(context, metric, evaluation, key):
            context.run_dir.write_unavailable(metric.name, key, unavailable)
            continue
        records = _measure(context, metric, evaluation, problem, key)
        save_pictures(metric.name, context.run_dir.path, evaluation, job.label)
        if metric.brought_by:
            context.guard.restore(metric.name)
        elif not CAPABILITIES.keys().isdisjoint(metric.needs):
            context.guard.restore(f"what {metric.name} asked the method for")
        context.run_dir.write_record(metric.name, key, records)


def _unavailable(context: JobContext, metric: "Metric", evaluation: "EvaluationContext", key: str) -> "list[Record]":
    """The row of a metric that the model could have, if something is missing for it on this machine."""
    reason = metric.absent()
    if not reason or _missing(metric, evaluation):
        return []
    job = context.run_dir.job
    protocol, guide, judge = metric.protocol(job.scale), context.guide.label, context.judge.label
    return [Record.of(job, metric.name, key, protocol, guide=guide, judge=judge, status="skipped", reason=reason)]


def _missing(metric: "Metric", evaluation: "EvaluationContext") -> str:
    """Why the metric cannot be measured of this model on this data set, or ""."""
    classes = evaluation.spec.has_classes
    return metric.missing(evaluation.model, evaluation.conditional, evaluation.anchor, classes)


def _measure(
    context: JobContext, metric: "Metric", evaluation: "EvaluationContext", problem: str, key: str
) -> list[Record]:
    from bench.metrics.metric import NotMeasured

    job = context.run_dir.job
    protocol, guide, judge = metric.protocol(job.scale), context.guide.label, context.judge.label
    record = partial(Record.of, job, key=key, protocol=protocol, guide=guide, judge=judge)
    if unavailable := _missing(metric, evaluation):
        return [record(metric.name, status="skipped", reason=unavailable)]
    if too_few := metric.too_few(job.scale):
        return [record(metric.name, status="skipped", reason=too_few)]
    if problem and "samples" in metric.needs:
        return [record(metric.name, status="failed", reason=problem)]
    try:
        measured = metric.compute(evaluation)
        values = {metric.name: measured.value} | {f"{metric.name}/{p}": v for p, v in measured.parts.items()}
        return [record(name, value=value, n=measured.n) for name, value in values.items()]
    except NotMeasured as reason:
        return [record(metric.name, status="skipped", reason=explain(reason))]
    except Exception as error:
        return [record(metric.name, status="failed", reason=explain(error))]


def _evaluation_context(
    context: JobContext, model: Model | None, samples: Data | None, conditional: bool
) -> "EvaluationContext":
    from bench.evaluation.anchor_codes import anchor_codes
    from bench.evaluation.fresh_classifier import train_classifier
    from bench.metrics import EvaluationContext
    from bench.training.second_judge import find_second_judge

    run_dir, job = context.run_dir, context.run_dir.job

    def again(sampling: int) -> EvaluationContext:
        return _evaluation_context(context, model, _sample_again(context, model, sampling), conditional)

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
        costs=run_dir.costs("train.json") | run_dir.costs("sampling.json"),
        cache=context.cache,
        anchor=anchor_codes(job.entry, context.dataset.test, context.renderer) if model is None else None,
        find_oracle=lambda: _oracle(context),
        oracle_kind=job.oracle,
        renderer=context.renderer,
        train_classifier=partial(train_classifier, context),
        sample_again=None if model is None or samples is None or job.given else again,
        find_second_judge=lambda: find_second_judge(
            context.dataset, context.device, {"guide": context.guide.classifier, "judge": context.judge.classifier}
        ),
    )


def _oracle(context: JobContext) -> "Oracle":
    """What reads attributes off images: closed formulas, or the probe of a data set with known factors."""
    from bench.metrics.control.factors import FactorOracle
    from bench.metrics.control.morphology import Morphology

    spec, job = context.dataset.spec, context.run_dir.job
    if job.oracle == "morphology":
        return Morphology(spec.channels)
    fitted, floor = context.probe, find_budget(job.budget).trusts_judge
    return FactorOracle(fitted.probe, spec, fitted.scores, fitted.digest, enforce_floor=floor)


def _samples(context: JobContext, model: Model | None) -> tuple[Data | None, bool, str]:
    """The samples, whether their labels were asked for, and why there are none."""
    job = context.run_dir.job
    if job.given:
        return *_given(context), ""
    if model is None:
        samples = ANCHORS[job.entry](context.dataset, job.samples, job.seed)
        save_samples(samples, context.run_dir.path)
        return samples, job.entry in LABELLED, ""
    if isinstance(model, Classifier):
        return None, False, ""
    try:
        return *_read_or_sample(context, model), ""
    except Exception as error:
        return None, hasattr(model, "sample_class"), f"sampling failed: {explain(error)}"


def _read_or_sample(context: JobContext, model: Model) -> tuple[Data, bool]:
    from bench.metrics import draw_samples

    assert isinstance(model, Generator)
    run_dir, job = context.run_dir, context.run_dir.job
    stored = _stored(context)
    if stored is not None:
        return stored

    def on_chunk(done: int, total: int) -> None:
        context.progress("sampling", done, total, {})

    on_chunk(0, job.samples)
    started = time.perf_counter()
    samples, conditional = draw_samples(model, job.samples, job.seed, context.device, on_chunk)
    seconds = time.perf_counter() - started
    run_dir.write("sampling.json", {"costs": {"sample-seconds-per-1000": 1000 * seconds / job.samples}})
    save_samples(samples, run_dir.path)
    run_dir.write_bytes(
        samples_name(job.samples), pack_samples(samples, conditional)
    )  # the last: if it exists, so do the others
    return samples, conditional


def _sample_again(context: JobContext, model: Model | None, sampling: int) -> Data:
    """The samples of another sampling of the same model; they are not kept."""
    from bench.metrics import draw_samples

    assert isinstance(model, Generator)
    job, progress = context.run_dir.job, partial(context.progress, f"sampling again ({sampling})", scalars={})
    samples, _ = draw_samples(model, job.samples, job.seed, context.device, progress, sampling)
    context.guard.restore("sample")
    return samples


def _stored(context: JobContext) -> tuple[Data, bool] | None:
    """The samples in the run directory, and whether their labels were asked for; None if there are none."""
    run_dir, spec, n = context.run_dir, context.dataset.spec, context.run_dir.job.samples
    return run_dir.read_bytes(samples_name(n), lambda payload: unpack_samples(payload, spec, n))


def _given(context: JobContext) -> tuple[Data, bool]:
    """External images, which the host has put there."""
    stored = _stored(context)
    if stored is None:
        raise BenchError(f"the images of {context.run_dir.job.entry} are missing in {context.run_dir.path}")
    return stored
