"""What a worker does: fit the guide, the judge or the probe, or train and evaluate one entry."""

from collections.abc import Callable
from dataclasses import replace
from typing import Literal

import torch

from bench.api import Dataset, Rendering
from bench.data.exam import scored_on
from bench.data.label_subset import few_labels
from bench.errors import BenchError
from bench.evaluation.anchors import ANCHORS
from bench.evaluation.evaluator import evaluate
from bench.evaluation.shared_anchors import keep_known, take_known
from bench.execution.messages import Assignment, FitClassifier, Fitted, Progressed, RunJob, RunSettings
from bench.experiment.budget import find_budget
from bench.experiment.request import DatasetRef
from bench.registry.plugins import Plugins
from bench.results.record import FIT
from bench.results.run_dir import RunDir
from bench.training.classifier_spec import ClassifierSpec, M, Role, resolve_classifier
from bench.training.context import JobContext
from bench.training.guide_and_judge import FittedClassifier, load_or_fit, no_classifier
from bench.training.probe import FittedProbe, load_or_fit_probe, resolve_probe
from bench.training.trainer import train_or_load
from bench.training_run import Progress

Emit = Callable[[Progressed | Fitted], None]


def perform(assignment: Assignment, emit: Emit) -> str:
    """Do what the host asks for, and return what the user should know about it."""
    plugins = Plugins().avoid(assignment.settings.avoid)
    if isinstance(assignment, FitClassifier):
        fit_classifier(assignment, plugins, emit)
        return ""
    return run_job(assignment, plugins, emit)


def fit_classifier(assignment: FitClassifier, plugins: Plugins, emit: Emit) -> None:
    """Fit the guide, the judge or the probe, or find it in the cache, and report how good it is."""
    role, settings = assignment.role, assignment.settings
    dataset, subset = load_dataset(plugins, settings.dataset)
    if role == "probe":
        probe = _load_or_fit_probe(dataset, settings, emit)
        emit(
            Fitted(role, probe.label, min(probe.scores.values()), "cached" if probe.cached else "fitted", probe.summary)
        )
    else:
        fitted = _load_or_fit(role, plugins, subset if role == "guide" else dataset, settings, emit)
        emit(Fitted(role, fitted.label, fitted.accuracy, fitted.origin))


def run_job(assignment: RunJob, plugins: Plugins, emit: Emit) -> str:
    """Train and evaluate one entry. A second process with the same job waits, and finds it done.

    Returns what the method changed and had to be put back.
    """
    from filelock import FileLock

    job, settings = assignment.job, assignment.settings
    run_dir, shared = RunDir(settings.runs, job), job.entry in ANCHORS and settings.share_anchors
    run_dir.path.mkdir(parents=True, exist_ok=True)
    with FileLock(run_dir.path / ".lock"):
        if shared and take_known(run_dir, settings.cache):
            return ""
        context = _context(assignment, plugins, emit)
        train_and_evaluate(context, plugins)
        if shared:
            keep_known(run_dir, settings.cache)
    return "; ".join(context.guard.restored)


def train_and_evaluate(context: JobContext, plugins: Plugins) -> None:
    """Every finished step is read from disk; each record is written as soon as it is known."""
    run_dir, job = context.run_dir, context.run_dir.job
    run_dir.create()
    model = None if job.entry in ANCHORS or job.given else train_or_load(context, plugins)
    if run_dir.record(FIT, job.key) is None:
        seen = run_dir.costs("train.json").get("train-images", 0)
        run_dir.write_fit(seen, context.guide.label, context.judge.label)
    evaluate(context, model)


def load_dataset(plugins: Plugins, ref: DatasetRef) -> tuple[Dataset, Dataset]:
    """The data set, and what methods are given of it: the same, or cut to a few labels per class."""
    dataset = plugins.find("datasets", ref.base).target(ref.argument).load()
    return scored_on(dataset, ref.split), few_labels(dataset, ref.labels)


def _renderer(plugins: Plugins, ref: DatasetRef) -> Rendering | None:
    source = plugins.find("datasets", ref.base).target(ref.argument)
    return source if isinstance(source, Rendering) else None


def _context(assignment: RunJob, plugins: Plugins, emit: Emit) -> JobContext:
    job, settings = assignment.job, assignment.settings
    dataset, subset = load_dataset(plugins, settings.dataset)
    if subset.digest != job.data_digest:
        raise BenchError(f"the files of {job.dataset} changed after this run was planned; run it again")
    return JobContext(
        run_dir=RunDir(settings.runs, job),
        dataset=dataset,
        subset=subset,
        guide=_load_or_fit("guide", plugins, subset, settings, emit),
        find_judge=lambda: _load_or_fit("judge", plugins, dataset, settings, emit),
        find_probe=lambda: _load_or_fit_probe(dataset, settings, emit),
        renderer=_renderer(plugins, settings.dataset),
        device=torch.device(settings.device.kind),
        precision=settings.device.precision,
        cache=settings.cache,
        progress=lambda phase, images, of, scalars: emit(Progressed(phase, images, of, scalars)),
        checkpoint_every=settings.checkpoint_every,
    )


def _load_or_fit(
    role: Literal["guide", "judge"], plugins: Plugins, dataset: Dataset, settings: RunSettings, emit: Emit
) -> FittedClassifier:
    if not dataset.spec.has_classes:
        return no_classifier(role, dataset.spec)
    budget = find_budget(settings.budget)
    spec = resolve_classifier(role, settings.classifier(role), plugins, dataset, budget, settings.device)
    return load_or_fit(_of_plan(spec, settings), settings.cache, _fitting(role, emit), settings.checkpoint_every)


def _load_or_fit_probe(dataset: Dataset, settings: RunSettings, emit: Emit) -> FittedProbe:
    spec = resolve_probe(dataset, find_budget(settings.budget), settings.device)
    return load_or_fit_probe(
        _of_plan(spec, settings), settings.cache, _fitting("probe", emit), settings.checkpoint_every
    )


def _of_plan(spec: ClassifierSpec[M], settings: RunSettings) -> ClassifierSpec[M]:
    """The network that the host has fitted, if it has libraries of its own; published weights are the same everywhere."""
    key = dict(settings.keys).get(spec.role, "")
    return spec if spec.published else replace(spec, fitted_elsewhere=key)


def _fitting(role: Role, emit: Emit) -> Progress:
    def progress(phase: str, images: int, of: int, scalars: dict[str, float]) -> None:
        emit(Progressed(f"fitting the {role}", images, of, scalars))

    return progress
