"""From a wish to frozen jobs: every complaint about a request is raised here, before any compute."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from bench.anchors import ANCHORS
from bench.api import Dataset, DataSource
from bench.budget import Budget, find_budget
from bench.config import build, to_dict
from bench.device import Device, find_device
from bench.errors import BenchError
from bench.examiners import Role, examiner_key
from bench.jobs import Job
from bench.plugins import OWN, Broken, BrokenPlugin, Entry, Plugins
from bench.store import Folder
from bench.wish import Wish, parse_names, parse_settings, split_argument


@dataclass(frozen=True)
class Plan:
    """Everything that a run will do."""

    wish: Wish
    device: Device
    budget: Budget
    jobs: tuple[Job, ...]
    broken: tuple[Job, ...]  # entries whose plugin cannot be used, as rows with a reason
    reasons: Mapping[str, str]  # by entry, for `broken`
    judge_floor: float | None
    classes: int
    data_files: tuple[Path, ...] | None  # None: unknown


def make_plan(wish: Wish, strict: bool = False) -> Plan:
    """Resolve names, settings, data and keys. Raises `BenchError` for anything that cannot be."""
    budget, plugins = find_budget(wish.budget), Plugins()
    entries, broken = _generators(plugins, wish.plugins, strict)
    settings = parse_settings(wish.set, [entry.name for entry in entries])
    configs = {entry.name: to_dict(build(entry.target.Config, settings[entry.name], entry.name)) for entry in entries}
    classifiers: dict[Role, Entry] = {
        "guide": _classifier(plugins, wish.guide),
        "judge": _classifier(plugins, wish.judge),
    }
    if wish.guide == wish.judge:
        raise BenchError(
            f"the guide and the judge are both {wish.guide!r}: a method must not be scored by what guides it"
        )
    device = find_device(wish.device, wish.jobs)
    base, argument = split_argument(wish.dataset)
    source: DataSource = plugins.find("datasets", base).target(argument)
    dataset = source.load()
    keys = {
        role: examiner_key(
            role, entry.target, _settings(getattr(wish, role)), dataset, budget=budget, device=torch.device(device.kind),
            precision=device.precision, threads=device.threads)
        for role, entry in classifiers.items()
    }  # fmt: skip
    common = _common(wish, budget, dataset, device, keys)
    jobs = [
        Job(**common, **_anchor(name), seed=seed, images=0) for name in ANCHORS for seed in wish.seeds
    ] + [
        Job(**common, **_identity(entry, settings[entry.name]), config=configs[entry.name], seed=seed,
            images=training_images(entry, budget, len(dataset.train)))
        for entry in entries for seed in wish.seeds
    ]  # fmt: skip
    lost = [Job(**common, **_lost(error.broken), seed=seed, images=0) for error in broken for seed in wish.seeds]
    reasons = {error.broken.plugin: str(error) for error in broken}
    return Plan(
        wish, device, budget, tuple(jobs), tuple(lost), reasons, source.judge_floor, len(dataset.spec.classes), source.reads()
    )  # fmt: skip


def training_images(entry: Entry, budget: Budget, train_size: int) -> int:
    """The budget in training images: the paper's schedule where the budget is `full`."""
    return entry.target.paper_epochs * train_size if budget.images is None else budget.images


def is_done(folder: Folder) -> bool:
    """Whether nothing of this job is left to do."""
    from bench.examination import needs_measuring
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


def _classifier(plugins: Plugins, name: str) -> Entry:
    entry = plugins.find("classifiers", split_argument(name)[0])
    build(entry.target.Config, _settings(name), entry.name)  # complain now
    return entry


def _settings(name: str) -> dict[str, str]:
    argument = split_argument(name)[1]
    return {"name": argument} if argument else {}


def _common(wish: Wish, budget: Budget, dataset: Dataset, device: Device, keys: Mapping[Role, str]) -> dict[str, Any]:
    return {
        "dataset": wish.dataset,
        "data_digest": dataset.digest,
        "budget": budget.name,
        "samples": min(budget.samples, len(dataset.test)),
        "reference": min(budget.reference, len(dataset.train)),
        "guide": wish.guide,
        "guide_key": keys["guide"],
        "judge": wish.judge,
        "judge_key": keys["judge"],
        "device": device.name,
        "torch": torch.__version__,
    }


def _identity(entry: Entry, settings: Mapping[str, str]) -> dict[str, Any]:
    return {
        "entry": entry.name,
        "plugin": entry.plugin,
        "distribution": entry.distribution,
        "version": entry.version,
        "source": entry.digest,
        "settings": tuple(sorted(settings.items())),
    }


def _lost(broken: Broken) -> dict[str, Any]:
    identity = {"entry": broken.plugin, "plugin": broken.plugin, "distribution": broken.distribution}
    return {**identity, "version": broken.version, "source": "", "settings": (), "config": {}}


def _anchor(name: str) -> dict[str, Any]:
    identity = {"entry": name, "plugin": "anchors", "distribution": OWN, "version": own_version(), "source": ""}
    return {**identity, "settings": (), "config": {}}


@cache
def own_version() -> str:
    return version(OWN)
