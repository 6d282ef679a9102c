"""`bench test`: put every promise of the named plugins to the test and say how it went, as a table or as JSON."""

import json as jsonlib
from collections import Counter
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bench.api import Classifier, DataSource, Generator, capabilities
from bench.errors import BenchError, nearest
from bench.experiment.device import find_device
from bench.registry.plugins import BrokenPlugin, Entry, Plugins
from bench.testing import classifiers, datasets, generators
from bench.testing.promise import Promise, Result, check_one
from bench.testing.subject import ClassifierSubject, DataSubject, GeneratorSubject

COLOURS = {"ok": "green", "failed": "bold red", "skipped": "yellow"}


def conformance(names: Iterable[str], *, device: str = "cpu", json: bool = False) -> int:
    """Test the entries of that name, or all of a plugin's, or `all`; print; 0 where no promise is broken, else 1.

    A name may carry an argument for a data set (`folder:PATH`). Raises `BenchError` for an unknown name.
    """
    find_device(device, 1)  # complain now
    plugins = Plugins()
    plugins.load_all()
    asked = [pair for name in names for pair in _asked(plugins, name)]
    console = Console(stderr=json)
    if not console.is_terminal:
        console.width = max(console.width, 200)  # a pipe has no width to keep within
    results: list[Result] = []
    for entry, argument in asked:
        fresh = []
        with console.status("") as status:
            for promise, subject in promises_of(entry.target, device, argument):
                status.update(f"{entry.name}: {promise.name}")
                fresh.append(check_one(promise, subject, entry.name, entry.kind))
        results += fresh
        if not json:
            console.print(_table(entry, fresh))
    counts = Counter(result.status for result in results)
    if json:
        rows = [result.to_dict() for result in results]
        print(jsonlib.dumps({"device": device, "counts": dict(counts), "results": rows}, indent=2))
    else:
        console.print(", ".join(f"{count} {status}" for status, count in sorted(counts.items())))
    return int(counts["failed"] > 0)


def promises_of(target: type, device: str = "cpu", argument: str = "") -> list[tuple[Promise, Any]]:
    """Every promise that a class makes, with one subject for all of them; a capability it lacks promises nothing."""
    if issubclass(target, DataSource):
        data = DataSubject(target, argument)
        return [(promise, data) for promise in datasets.PROMISES]
    if issubclass(target, Classifier):
        classifier = ClassifierSubject(target, device)
        return [(promise, classifier) for promise in classifiers.PROMISES]
    if issubclass(target, Generator):
        drawer, has = GeneratorSubject(target, device), set(capabilities(target))
        return [(promise, drawer) for promise in generators.PROMISES if not promise.needs or has & set(promise.needs)]
    raise TypeError(f"{target!r} is no generator, classifier or data source")


def _asked(plugins: Plugins, text: str) -> list[tuple[Entry, str]]:
    name, _, argument = text.partition(":")
    every = [entry for kind in plugins.entries.values() for entry in kind.values()]
    found = [entry for entry in every if name == "all" or name in (entry.name, entry.plugin)]
    if not found:
        for broken in plugins.broken:
            if broken.plugin == name:
                raise BrokenPlugin(broken)
        known = {entry.name for entry in every} | {entry.plugin for entry in every}
        raise BenchError(f"unknown plugin {name!r}: {nearest(name, known)}")
    if argument and any(entry.kind != "datasets" for entry in found):
        raise BenchError(f"{text!r}: only a data set takes what stands behind the colon")
    return [(entry, argument) for entry in found]


def _table(entry: Entry, results: list[Result]) -> Table:
    title = f"{entry.name} ({entry.kind[:-1]} of {entry.plugin}, {entry.distribution} {entry.version})"
    table = Table("promise", "", "reason", title=title, title_justify="left")
    for before, result in pairwise([None, *results]):
        assert result is not None
        again = before is not None and result.reason and before.reason == result.reason
        reason = "likewise" if again else result.reason
        table.add_row(result.promise.replace("_", " "), Text(result.status, COLOURS[result.status]), Text(reason))
    return table
