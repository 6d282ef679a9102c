"""From a request to frozen jobs: every complaint about a request is raised here, before any compute."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint, version
from pathlib import Path
from typing import Any

import torch

from bench.api import Dataset, DataSource
from bench.config import build, to_dict
from bench.data.label_subset import few_labels
from bench.errors import BenchError
from bench.evaluation.anchors import ANCHORS
from bench.experiment.budget import Budget, find_budget
from bench.experiment.device import Device, find_device
from bench.experiment.job import Job
from bench.experiment.request import (
    RunRequest,
    argument_settings,
    parse_names,
    parse_settings,
    split_argument,
    split_labels,
)
from bench.registry.plugins import OWN, Broken, BrokenPlugin, Entry, Plugins, source_digest
from bench.results.run_dir import RunDir
from bench.training.guide_and_judge import Role, examiner_key


@dataclass(frozen=True)
class Plan:
    """Everything that a run will do."""

    request: RunRequest
    device: Device
    budget: Budget
    jobs: tuple[Job, ...]
    broken: tuple[tuple[Job, str], ...]  # entries whose plugin cannot be used, with the reason
    board: str
    classes: int
    judge_floor: float | None
    data_files: tuple[Path, ...] | None  # None: unknown
    unusable: frozenset[str]  # plugins that no job should import, whatever it looks for


def make_plan(request: RunRequest, strict: bool = False, probe: Callable[[EntryPoint], str] | None = None) -> Plan:
    """Resolve names, settings, data and keys. Raises `BenchError` for anything that cannot be."""
    budget, plugins = find_budget(request.budget), Plugins(probe=probe)
    entries, broken = _generators(plugins, request.plugins, strict)
    settings = parse_settings(request.set, [entry.name for entry in entries])
    methods = [_method(entry, settings[entry.name]) for entry in entries]
    classifiers = _classifiers(plugins, request)
    device = find_device(request.device, request.threads)
    name, per_class = split_labels(request.dataset)
    base, argument = split_argument(name)
    source: DataSource = plugins.find("datasets", base).target(argument)
    dataset = source.load()
    lent = few_labels(dataset, per_class)
    for method, entry in zip(methods, entries, strict=True):
        method["images"] = training_images(entry, budget, len(lent.train))
    common = _common(request, budget, dataset, lent, device, classifiers)
    everyone = [_anchor(name) for name in ANCHORS] + methods
    return Plan(
        request=request,
        device=device,
        budget=budget,
        jobs=tuple(Job(**common, **who, seed=seed) for who in everyone for seed in request.seeds),
        broken=tuple((Job(**common, **_lost(e.broken), seed=seed), str(e)) for e in broken for seed in request.seeds),
        board=lent.spec.name,
        classes=len(dataset.spec.classes),
        judge_floor=source.judge_floor,
        data_files=source.reads(),
        unusable=plugins.unusable,
    )


def training_images(entry: Entry, budget: Budget, train_size: int) -> int:
    """The budget in training images: the paper's schedule where the budget is `full`."""
    return entry.target.paper_epochs * train_size if budget.images is None else budget.images


def is_done(folder: RunDir) -> bool:
    """Whether nothing of this job is left to do."""
    from bench.evaluation.evaluator import needs_measuring
    from bench.metrics import METRICS

    return folder.record("fit", folder.job.key) is not None and not any(needs_measuring(folder, m) for m in METRICS)


def _generators(plugins: Plugins, text: str, strict: bool) -> tuple[list[Entry], list[BrokenPlugin]]:
    names = parse_names(text)
    if "all" in names:
        names = [entry.name for entry in plugins.all("generators")]
    entries, broken = [], []
    for name in names:
        if name in ANCHORS:
            raise BenchError(f"--plugins: {name!r} is an anchor row, which always runs; name a method")
        try:
            entries.append(plugins.find("generators", name))
        except BrokenPlugin as error:
            broken.append(error)
    if strict:
        plugins.load_all()
        for row in plugins.broken:
            raise BenchError(f"--strict-plugins: plugin {row.plugin!r} is broken: {row.reason}")
    return entries, broken


def _classifiers(plugins: Plugins, request: RunRequest) -> dict[Role, Entry]:
    if request.guide == request.judge:
        who = f"the guide and the judge are both {request.guide!r}"
        raise BenchError(f"{who}: a method must not be scored by what guides it")
    found: dict[Role, Entry] = {}
    for role, name in (("guide", request.guide), ("judge", request.judge)):
        base, _ = split_argument(name)
        found[role] = entry = plugins.find("classifiers", base)  # type: ignore[index]
        build(entry.target.Config, argument_settings(name), entry.name)  # complains now
    return found


def _common(
    request: RunRequest,
    budget: Budget,
    dataset: Dataset,
    lent: Dataset,
    device: Device,
    classifiers: Mapping[Role, Entry],
) -> dict[str, Any]:
    """What all jobs of a run share. `lent` is what methods see of the data set; the judge and the exam see all of it."""
    keys = {
        role: examiner_key(
            role,
            entry.target,
            argument_settings(getattr(request, role)),
            lent if role == "guide" else dataset,
            budget=budget,
            device=torch.device(device.kind),
            threads=device.threads,
            precision=device.precision,
        )
        for role, entry in classifiers.items()
    }
    return {
        "dataset": request.dataset,
        "board": lent.spec.name,
        "data_digest": lent.digest,
        "budget": budget.name,
        "samples": min(budget.samples, len(dataset.test)),
        "reference": min(budget.reference, len(dataset.train)),
        "guide": request.guide,
        "guide_key": keys["guide"],
        "judge": request.judge,
        "judge_key": keys["judge"],
        "device": device.name,
        "torch": torch.__version__,
    }


def _method(entry: Entry, settings: Mapping[str, str]) -> dict[str, Any]:
    """The identity of a job that trains `entry`."""
    return {
        "entry": entry.name,
        "plugin": entry.plugin,
        "distribution": entry.distribution,
        "version": entry.version,
        "source": entry.digest,
        "settings": tuple(sorted(settings.items())),
        "config": to_dict(build(entry.target.Config, settings, entry.name)),
    }


def _anchor(name: str) -> dict[str, Any]:
    """The identity of an anchor row: the host's own, changed when its file is."""
    origin = {
        "plugin": "anchors",
        "distribution": OWN,
        "version": version(OWN),
        "source": source_digest("bench.evaluation.anchors"),
    }
    return {"entry": name, **origin, "settings": (), "config": {}, "images": 0}


def _lost(broken: Broken) -> dict[str, Any]:
    origin = {"plugin": broken.plugin, "distribution": broken.distribution, "version": broken.version, "source": ""}
    return {"entry": broken.plugin, **origin, "settings": (), "config": {}, "images": 0}
