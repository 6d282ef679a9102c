"""From a request to jobs: every complaint about a request is raised here, before any computation."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import EntryPoint, version
from pathlib import Path
from typing import Any

import torch

from bench.api import Dataset, DataSource, Spec
from bench.config import build, non_default_settings, to_dict
from bench.data.exam import board_of, scored_on
from bench.data.label_subset import few_labels
from bench.errors import BenchError
from bench.evaluation.anchors import ANCHORS
from bench.execution.isolated.ask import Isolated, ask
from bench.execution.without_classes import check_request
from bench.experiment.budget import Budget, find_budget
from bench.experiment.device import Device, find_device
from bench.experiment.job import GIVEN, Job
from bench.experiment.keys import content_key
from bench.experiment.request import ClassifierRef, Given, RunRequest, parse_settings
from bench.metrics.brought import describe
from bench.metrics.control.kinds import FLOORS, VERSION, OracleKind, oracle_kind
from bench.metrics.features import inception
from bench.metrics.metric import LEAST
from bench.registry.groups import METRICS
from bench.registry.limits import limit_of
from bench.registry.plugins import OWN, Broken, BrokenPlugin, Entry, Plugins
from bench.registry.sources import source_digest
from bench.registry.tuning import find_tuning
from bench.training.classifier_spec import Role, identity, resolve_classifier, resolve_network
from bench.training.probe import resolve_probe
from bench.util.failure import explain
from bench.util.paths import cache_dir

logger = logging.getLogger("bench")


@dataclass(frozen=True)
class Plan:
    """Everything that a run will do."""

    request: RunRequest
    device: Device
    budget: Budget
    jobs: tuple[Job, ...]
    skipped: tuple[tuple[Job, str], ...]  # methods that are not for these images, with the reason
    broken: tuple[tuple[Job, str], ...]  # entries whose plugin cannot be used, with the reason
    board: str
    roles: tuple[Role, ...]  # of the networks that the host fits
    classes: int
    judge_floor: float | None
    data_files: tuple[Path, ...] | None  # None: unknown
    unusable: frozenset[str]  # plugins that no job may import
    plugins: frozenset[str]  # that provide the methods, the data set, the guide and the judge

    @property
    def classifier_keys(self) -> tuple[str, ...]:
        """The keys of the guide, the judge and the probe, of those that there are: the same for all jobs."""
        job = self.jobs[0]
        keys = (job.guide_key, job.judge_key, job.oracle_key.partition(":")[0] if "probe" in self.roles else "")
        return tuple(filter(None, keys))


def make_plan(
    request: RunRequest,
    strict: bool = False,
    probe: Callable[[EntryPoint], str] | None = None,
    device: Device | None = None,
) -> Plan:
    """Resolve names, settings, data and keys. Raises `BenchError` for whatever cannot be resolved.

    device: what the jobs compute on, by default that of this machine.
    """
    inception.WEIGHTS.require_if_named()
    budget, plugins = find_budget(request.budget), Plugins(probe=probe)
    isolated = _isolated(plugins, request)
    entries, broken = _entries(plugins, isolated.other_names(request), strict)
    entries = [entry for entry in entries if entry.name not in isolated.names]  # of `all`
    settings = parse_settings(isolated.other_settings(request), [entry.name for entry in entries])
    described = describe_methods(entries, settings, broken)
    _check_classifiers(plugins, request)
    device = device or find_device(request.device, request.threads)
    source = _source(plugins, request)
    whole = source.load()
    dataset, subset = scored_on(whole, request.dataset.split), few_labels(whole, request.dataset.labels)
    _warn_of_few_images(dataset)
    check_request(request, dataset.spec)
    methods, skipped = sorted_out(described, subset, budget, broken)
    methods, skipped = [*methods, *isolated.methods], [*skipped, *isolated.skipped]
    common = _common(plugins, request, budget, dataset, subset, device)
    everyone = [_anchor(name) for name in ANCHORS] + methods + ([_given(request.given)] if request.given else [])
    return Plan(
        request=request,
        device=device,
        budget=budget,
        jobs=tuple(Job(**common | who, seed=seed) for who in everyone for seed in request.seeds),
        skipped=tuple((Job(**common | who, seed=seed), why) for who, why in skipped for seed in request.seeds),
        broken=tuple((Job(**common, **_lost(e.broken), seed=seed), str(e)) for e in broken for seed in request.seeds),
        board=board_of(subset.spec.name, request.dataset.split),
        roles=_roles(dataset.spec),
        classes=len(dataset.spec.classes),
        judge_floor=source.judge_floor,
        data_files=source.reads(),
        unusable=plugins.unusable,
        plugins=_used(plugins, request, entries),
    )


def _used(plugins: Plugins, request: RunRequest, entries: Sequence[Entry]) -> frozenset[str]:
    found = [plugins.find("datasets", request.dataset.base)]
    found += [plugins.find("classifiers", ref.base) for ref in (request.guide, request.judge)]
    found += plugins.all("metrics")
    return frozenset(entry.plugin for entry in [*entries, *found])


def _source(plugins: Plugins, request: RunRequest) -> DataSource:
    entry = plugins.find("datasets", request.dataset.base, str(request.dataset))
    source: DataSource = entry.target(request.dataset.argument)
    return source


def training_images(entry: Entry, budget: Budget, train_size: int) -> int:
    """The budget in training images: the paper's schedule if the budget is `full`."""
    return entry.target.paper_epochs * train_size if budget.images is None else budget.images


def _isolated(plugins: Plugins, request: RunRequest) -> Isolated:
    """The methods that have environments of their own: their plugins are not looked for here."""
    if not request.isolated:
        return Isolated()

    def digest() -> str:
        return few_labels(_source(plugins, request).load(), request.dataset.labels).digest

    return ask(request, digest, cache_dir())


def _entries(plugins: Plugins, names: list[str], strict: bool) -> tuple[list[Entry], list[BrokenPlugin]]:
    if "all" in names:
        names = [entry.name for entry in plugins.all("generators")]
    entries, broken = [], []
    for name in names:
        if name in ANCHORS:
            raise BenchError(f"--plugins: {name!r} is an anchor, which always runs; name a method")
        try:
            entries.append(plugins.find("generators", name))
        except BrokenPlugin as error:
            broken.append(error)
    if strict:
        plugins.load_all()
        for row in plugins.broken:
            raise BenchError(f"--strict-plugins: plugin {row.plugin!r} is broken: {row.reason}")
    return entries, broken


def _check_classifiers(plugins: Plugins, request: RunRequest) -> None:
    """Complain about unknown names, and about one network in both roles, before any data is read."""
    guide, judge = (resolve_network(ref, plugins) for ref in (request.guide, request.judge))
    if identity(*guide) == identity(*judge):
        names = " and ".join(repr(str(ref)) for ref in dict.fromkeys((request.guide, request.judge)))
        what = f"both {names}" if request.guide == request.judge else f"one network, {names}"
        raise BenchError(
            f"the guide and the judge are {what}: a method must not be scored by the classifier that guides it"
        )


def _common(
    plugins: Plugins, request: RunRequest, budget: Budget, dataset: Dataset, subset: Dataset, device: Device
) -> dict[str, Any]:
    """What all jobs of a run share. Methods and the guide see `subset`, the judge and the evaluation see `dataset`."""
    return {
        "dataset": str(request.dataset),
        "board": board_of(subset.spec.name, request.dataset.split),
        "split": request.dataset.split,
        "data_digest": subset.digest,
        "budget": budget.name,
        "samples": min(budget.samples, len(dataset.test)),
        "reference": min(budget.reference, len(dataset.train)),
        "train_size": len(dataset.train),
        "test_size": len(dataset.test),
        "oracle": (oracle := oracle_kind(dataset.spec)),
        "oracle_key": _oracle_key(oracle, dataset, budget, device),
        **_named("guide", request.guide, plugins, subset, budget, device),
        **_named("judge", request.judge, plugins, dataset, budget, device),
        "brought": _brought(plugins),
        "device": device.name,
        "torch": torch.__version__,
    }


def _brought(plugins: Plugins) -> tuple[dict[str, Any], ...]:
    """The metrics that third parties bring; those of a broken plugin are not measured, with a warning."""
    found = plugins.all("metrics")
    names = {point.name for point in plugins.found if point.group == METRICS}
    for broken in plugins.broken:
        if broken.plugin in names:
            logger.warning("the metrics of plugin %r are not measured: %s", broken.plugin, broken.reason)
    described = (describe(entry.target, entry.name, entry.distribution, entry.digest) for entry in found)
    return tuple(asdict(metric) for metric in described)


def _roles(spec: Spec) -> tuple[Role, ...]:
    """A guide and a judge if there are classes, a probe if factors are known."""
    classified: tuple[Role, ...] = ("guide", "judge") if spec.has_classes else ()
    return classified if oracle_kind(spec) == "morphology" else (*classified, "probe")


def _named(
    role: Role, ref: ClassifierRef, plugins: Plugins, dataset: Dataset, budget: Budget, device: Device
) -> dict[str, str]:
    """The name and the key of the guide or the judge, both empty if the data set has no classes."""
    if not dataset.spec.has_classes:
        return {role: "", f"{role}_key": ""}
    spec = resolve_classifier(role, ref, plugins, dataset, budget, device)
    return {role: spec.name, f"{role}_key": spec.key}


def _oracle_key(oracle: OracleKind, dataset: Dataset, budget: Budget, device: Device) -> str:
    """What decides the readings of an oracle."""
    if oracle == "morphology":
        return VERSION
    return f"{resolve_probe(dataset, budget, device).key}:floor={FLOORS[oracle]}"


def _warn_of_few_images(dataset: Dataset) -> None:
    if min(len(dataset.train), len(dataset.test)) < LEAST:
        logger.warning(
            "%s has %d training and %d test images: distances of distributions need at least %d and are not measured",
            dataset.spec.name, len(dataset.train), len(dataset.test), LEAST,
        )  # fmt: skip


@dataclass(frozen=True)
class Method:
    """An entry with its settings, and the identity of a job that trains it."""

    entry: Entry
    config: Any
    identity: dict[str, Any]


def describe_methods(
    entries: Sequence[Entry], settings: Mapping[str, Mapping[str, str]], broken: list[BrokenPlugin]
) -> list["Method"]:
    """The methods of these entries, without those whose plugin raises an error, which are added to `broken`."""
    return [found for entry in entries if (found := _described(entry, settings[entry.name], broken))]


def _described(entry: Entry, settings: Mapping[str, str], broken: list[BrokenPlugin]) -> Method | None:
    """The method of `entry`; None if its plugin raises an error, which is added to `broken`.

    Raises `BenchError` for settings that the user got wrong.
    """
    try:
        method = _method(entry, settings)
        content_key(method.identity)  # raises TypeError for a configuration that JSON cannot say
        return method
    except BenchError:
        raise
    except Exception as error:
        broken.append(_broken(entry, error))
        return None


def _broken(entry: Entry, error: Exception) -> BrokenPlugin:
    reason = f"{entry.name}: {explain(error)}"
    return BrokenPlugin(Broken(entry.plugin, entry.distribution, entry.version, reason))


def _method(entry: Entry, settings: Mapping[str, str]) -> Method:
    config = build(entry.target.Config, settings, entry.name)
    identity = {
        "entry": entry.name,
        "plugin": entry.plugin,
        "distribution": entry.distribution,
        "version": entry.version,
        "source": entry.digest,
        "settings": non_default_settings(config, settings),
        "config": to_dict(config),
        "tuning": "" if non_default_settings(config, settings) else tuning_text(entry),
    }
    return Method(entry, config, identity)


def tuning_text(entry: Entry) -> str:
    """How the defaults of a method were chosen, as its plugin says; an invalid file is a warning."""
    try:
        return str(find_tuning(entry.module or entry.target.__module__, entry.name) or "")
    except BenchError as error:
        logger.warning("%s: not shown how its settings were chosen: %s", entry.name, error)
        return ""


def sorted_out(
    methods: Sequence[Method], dataset: Dataset, budget: Budget, broken: list[BrokenPlugin]
) -> tuple[list[dict[str, Any]], list[tuple[dict[str, Any], str]]]:
    """The identities of the methods that are for these images, and those of the others with the reason.

    A method that raises an error instead is added to `broken`.
    """
    fit, skipped = [], []
    for method in methods:
        identity = method.identity | {"images": training_images(method.entry, budget, len(dataset.train))}
        try:
            reason = limit_of(method.entry.target, method.config, dataset.spec)
        except Exception as error:
            broken.append(_broken(method.entry, error))
            continue
        if reason:
            skipped.append((identity, reason))
        else:
            fit.append(identity)
    return fit, skipped


def _anchor(name: str) -> dict[str, Any]:
    """The identity of an anchor: it changes with the source files of the anchors."""
    origin = {
        "plugin": "anchors",
        "distribution": OWN,
        "version": version(OWN),
        "source": " ".join(map(source_digest, ("bench.evaluation.anchors", "bench.evaluation.anchor_codes"))),
    }
    return {"entry": name, **origin, "settings": (), "config": {}, "images": 0}


def _given(given: Given) -> dict[str, Any]:
    """The identity of external images: their own digest."""
    origin = {"plugin": GIVEN, "distribution": OWN, "version": version(OWN), "source": given.digest}
    shown = (("images", given.digest[:8]),)
    return {"entry": given.name, **origin, "settings": shown, "config": {}, "images": 0}


def _lost(broken: Broken) -> dict[str, Any]:
    origin = {"plugin": broken.plugin, "distribution": broken.distribution, "version": broken.version, "source": ""}
    return {"entry": broken.plugin, **origin, "settings": (), "config": {}, "images": 0}
