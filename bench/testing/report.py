"""Run the contract tests of named plugins, and return how each entry did."""

import platform
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import redirect_stdout
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from bench.api import Classifier, DataSource, Generator, Rendering, capabilities
from bench.errors import BenchError, nearest
from bench.experiment.device import find_device
from bench.image_metric import ImageMetric
from bench.registry.plugins import OWN, BrokenPlugin, Entry, Plugins
from bench.testing import classifiers, datasets, generators, metrics
from bench.testing.metric_subject import MetricSubject
from bench.testing.promise import Promise, Result, check_one
from bench.testing.subject import ClassifierSubject, DataSubject, GeneratorSubject
from bench.testing.time_limit import SECONDS
from bench.util.paths import folder_hint

FORMAT = 2  # of the report: the first was a list of results


@dataclass(frozen=True)
class Tested:
    """One entry, and the result of each of its tests."""

    entry: Entry
    results: tuple[Result, ...]


def conformance(
    names: Iterable[str],
    *,
    device: str = "cpu",
    seconds: float = SECONDS,
    tell: Callable[[str], None] = lambda text: None,
) -> list[Tested]:
    """Test the entries of that name, or all of a plugin's, or `all`; `tell` receives the name of each test before it starts.

    `seconds` is the time limit of one test. A name may carry an argument for a data set (`folder:PATH`). Raises `BenchError` for an unknown name.
    """
    find_device(device, 1)  # complain now
    plugins = Plugins()
    plugins.load_all()
    asked = [pair for name in names for pair in _asked(plugins, name)]
    with redirect_stdout(sys.stderr):  # what a plugin prints does not belong to a report
        return [Tested(entry, tuple(_results(entry, argument, device, seconds, tell))) for entry, argument in asked]


def _results(entry: Entry, argument: str, device: str, seconds: float, tell: Callable[[str], None]) -> Iterable[Result]:
    for promise, subject in promises_of(entry.target, device, argument):
        tell(f"{entry.name}: {promise}")
        yield check_one(promise, subject, entry.name, entry.kind, seconds)


def document(tested: Iterable[Tested], device: str) -> dict[str, Any]:
    """The report for machines, which a submission holds: what was tested, with what, and every result."""
    tested = list(tested)
    results = [result for one in tested for result in one.results]
    return {
        "format": FORMAT,
        "bench": version(OWN),
        "python": platform.python_version(),
        "torch": version("torch"),
        "device": device,
        "entries": [_entry(one.entry) for one in tested],
        "counts": dict(Counter(result.status for result in results)),
        "results": [result.to_dict() for result in results],
    }


def _entry(entry: Entry) -> dict[str, str]:
    names = ("name", "kind", "plugin", "distribution", "version")
    return {name: str(getattr(entry, name)) for name in names} | {"source": entry.digest}


def promises_of(target: type, device: str = "cpu", argument: str = "") -> list[tuple[Promise, Any]]:
    """Every promise that a class makes, with one subject for all of them; a capability it lacks promises nothing."""
    if issubclass(target, DataSource):
        data = DataSubject(target, argument)
        draws = issubclass(target, Rendering)
        return [(promise, data) for promise in datasets.PROMISES if draws or "Rendering" not in promise.needs]
    if issubclass(target, Classifier):
        classifier = ClassifierSubject(target, device)
        return [(promise, classifier) for promise in classifiers.PROMISES]
    if issubclass(target, Generator):
        drawer, has = GeneratorSubject(target, device), set(capabilities(target))
        return [(promise, drawer) for promise in generators.PROMISES if not promise.needs or has & set(promise.needs)]
    if issubclass(target, ImageMetric):
        measure = MetricSubject(target)
        return [(promise, measure) for promise in metrics.PROMISES]
    raise TypeError(f"{target!r} is not a generator, classifier, data source or metric")


def _asked(plugins: Plugins, text: str) -> list[tuple[Entry, str]]:
    name, _, argument = text.partition(":")
    every = [entry for kind in plugins.entries.values() for entry in kind.values()]
    found = [entry for entry in every if name == "all" or name in (entry.name, entry.plugin)]
    if not found:
        for broken in plugins.broken:
            if broken.plugin == name:
                raise BrokenPlugin(broken)
        known = {entry.name for entry in every} | {entry.plugin for entry in every}
        raise BenchError(f"unknown plugin {name!r}: {folder_hint(text, name) or nearest(name, known)}")
    if argument and any(entry.kind != "datasets" for entry in found):
        raise BenchError(f"{text!r}: only a data set takes an argument after the colon")
    return [(entry, argument) for entry in found]
