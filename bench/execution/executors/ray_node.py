"""What a Ray task does on a node: one errand. What a host without a shared file system lacks comes along with it."""

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any

from bench.errors import BenchError
from bench.execution.executors.base import Task
from bench.execution.executors.errand import decode_errand
from bench.execution.executors.node import refusal_of, run_errand
from bench.execution.executors.parcel import Part, packed, unpack
from bench.execution.executors.reports import encode_report
from bench.execution.messages import Ended, RunJob
from bench.experiment.device import find_device
from bench.results.run_dir import RunDir
from bench.util.paths import cache_dir

Item = tuple[str, Any]  # ("refused", why), ("report", a line of reports.py) or ("part", a Part)
RUN, CLASSIFIERS = "run", "classifiers"


@dataclass(frozen=True)
class Luggage:
    """What comes along with an errand: references of Ray to packed files, which a node gets if it needs them."""

    run: Any  # the run directory as the host has it, or None
    classifiers: Mapping[str, Any]  # by key: guide, judge and probe, those that the host has
    keys: Sequence[str]  # of all of them
    variables: Mapping[str, str]  # of the host's environment, for those that the node lacks


def run_on_node(payload: bytes, luggage: Luggage) -> Iterator[Item]:
    """Do an errand of one task, and yield what happens. Files that the host cannot see come before the end of the task."""
    errand = decode_errand(payload)
    for name, value in luggage.variables.items():
        os.environ.setdefault(name, value)
    shares_runs, shares_cache = errand.runs.exists(), errand.cache.exists()
    if shares_cache:
        os.environ["BENCH_CACHE"] = str(errand.cache.parent)
    if refusal := refusal_of(errand, shared=False):
        yield "refused", refusal.reason
        return
    runs = errand.runs.parent if shares_runs else cache_dir() / "visits" / errand.runs.stem.strip(".")
    [task] = errand.tasks
    moved = _moved(task, runs, cache_dir())
    folder = _folder(moved, runs)
    if not shares_runs:
        _fetch(folder, luggage.run)
    if not shares_cache:
        for key in luggage.keys:
            if not _classifier(key).exists():
                _fetch(_classifier(key), luggage.classifiers.get(key))
    back = {} if shares_runs else {RUN: folder}
    for report in run_errand(errand.of([moved]), _gpus()):
        if isinstance(report.event, Ended):
            lacking = [key for key in luggage.keys if key not in luggage.classifiers and not shares_cache]
            back |= {f"{CLASSIFIERS}/{key}": _classifier(key) for key in lacking if _classifier(key).exists()}
            yield from (("part", part) for part in packed(back))
            if not shares_runs:
                shutil.rmtree(folder, ignore_errors=True)
        yield "report", encode_report(report)


def describe(device: str, threads: int) -> Iterator[Item]:
    """The device of this node."""
    try:
        yield "answer", vars(find_device(device, threads))
    except BenchError as error:
        yield "refused", str(error)


def _moved(task: Task, runs: Path, cache: Path) -> Task:
    """The task as this node does it: in its own folders."""
    settings = replace(task.assignment.settings, runs=runs, cache=cache)
    moved = replace(task, assignment=replace(task.assignment, settings=settings))
    return replace(moved, assignment=replace(moved.assignment, log=_log(moved, runs)))


def _log(task: Task, runs: Path) -> Path:
    return (
        RunDir(runs, task.assignment.job).log
        if isinstance(task.assignment, RunJob)
        else runs / "logs" / task.assignment.log.name
    )


def _folder(task: Task, runs: Path) -> Path:
    """What the host is to have of a task."""
    return (
        task.assignment.log.parent
        if not isinstance(task.assignment, RunJob)
        else RunDir(runs, task.assignment.job).path
    )


def _classifier(key: str) -> Path:
    return cache_dir() / "classifiers" / key


def _fetch(folder: Path, reference: Any) -> None:
    """Write the files that a reference stands for."""
    if reference is not None:
        unpack(folder, (Part(*part) for part in import_module("ray").get(reference)))


def _gpus() -> tuple[str, ...]:
    """What Ray has given to this task."""
    return tuple(filter(None, os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")))
