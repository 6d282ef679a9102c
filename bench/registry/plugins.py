"""Find, import and check plugins, and record which distribution each entry comes from.

Entry points are listed without being imported. A plugin is imported when one of its entries is needed. A plugin that
cannot be used is listed as `Broken` and does not affect the others.
"""

import hashlib
import inspect
import logging
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import EntryPoint
from types import ModuleType
from typing import Any

import pluggy

from bench import hookspecs
from bench.api import Classifier, DataSource, Generator, Model
from bench.config import check_config
from bench.errors import BenchError, nearest
from bench.image_metric import ImageMetric
from bench.metrics.catalog import PLACES
from bench.registry.groups import METRICS, installed
from bench.registry.sources import source_digest
from bench.util.paths import folder_hint
from bench.util.process_state import put_back, settings
from bench.util.timm_names import architecture_hint

logger = logging.getLogger("bench")
OWN = "classifier-bench"
KINDS: dict[str, type] = {
    "generators": Generator, "classifiers": Classifier, "datasets": DataSource, "metrics": ImageMetric,
}  # fmt: skip
NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


@dataclass(frozen=True)
class Entry:
    """One generator, classifier, data set or metric, and the plugin that provides it."""

    name: str
    kind: str  # a key of KINDS
    plugin: str
    distribution: str
    version: str
    target: type[Any]
    module: str = ""  # of the entry point

    @cached_property
    def digest(self) -> str:
        """SHA-256 (16 hex digits) of the files of the plugin, and of those that define the classes which it extends."""
        own, *others = map(source_digest, _modules(self.target, self.module))
        return hashlib.sha256(":".join([own, *others]).encode()).hexdigest()[:16] if others else own


@dataclass(frozen=True)
class Broken:
    """A plugin that cannot be used, and why."""

    plugin: str
    distribution: str
    version: str
    reason: str


@dataclass
class Plugins:
    """The installed plugins, imported when they are needed."""

    found: list[EntryPoint] = field(default_factory=lambda: sorted(installed(), key=_own_first))
    broken: list[Broken] = field(default_factory=list)
    entries: dict[str, dict[str, Entry]] = field(default_factory=lambda: {kind: {} for kind in KINDS})
    probe: Callable[[EntryPoint], str] | None = None  # why a third-party plugin must not be imported here, or ""
    _loaded: list[EntryPoint] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._manager = pluggy.PluginManager("bench")
        self._manager.add_hookspecs(hookspecs)

    def find(self, kind: str, name: str, asked: str = "") -> Entry:
        """The entry of that name. Imports the plugin with a similar name first, and the others only if it is not there.

        `asked` is the text that the name was taken from, such as `name:argument`. Raises `BenchError` if no plugin
        provides it, with the nearest name or the reason why the plugin is broken.
        """
        for point in sorted(self.found, key=lambda point: not _likely(point, name)):
            if name in self.entries[kind]:
                break
            self._load(point)
        if name in self.entries[kind]:
            return self.entries[kind][name]
        for broken in self.broken:
            if broken.plugin == name:
                raise BrokenPlugin(broken)
        raise BenchError(f"unknown {kind[:-1]} {name!r}: {self._hint(kind, name, asked or name)}")

    def _hint(self, kind: str, name: str, asked: str) -> str:
        """What the user may have meant: images at a path, an entry of another kind, timm's, or the nearest name."""
        if kind == "datasets" and (hint := folder_hint(asked, name)):
            return hint
        for other, use in (("classifiers", "use it with --guide or --judge"), ("generators", "use it with --plugins"),
                           ("datasets", "use it with --dataset")):  # fmt: skip
            if other != kind and name in self.entries[other]:
                return f"{name!r} is a {other[:-1]}: {use}"
        if kind == "classifiers" and (hint := architecture_hint(name)):
            return hint
        return nearest(name, self.entries[kind])

    def all(self, kind: str) -> list[Entry]:
        """Every entry of that kind, by name. For metrics, plugins that bring none are not imported."""
        for point in self.found:
            if kind != "metrics" or point.group == METRICS:
                self._load(point)
        return [self.entries[kind][name] for name in sorted(self.entries[kind])]

    @property
    def unusable(self) -> frozenset[str]:
        """The names of broken plugins, unless another distribution has a working plugin of the same name."""
        used = {entry.plugin for found in self.entries.values() for entry in found.values()}
        return frozenset(broken.plugin for broken in self.broken) - used

    def avoid(self, names: Iterable[str]) -> "Plugins":
        """Never import these."""
        self.found = [point for point in self.found if point.name not in names]
        return self

    def load_all(self) -> None:
        """Import every installed plugin."""
        for point in self.found:
            self._load(point)

    def _load(self, point: EntryPoint) -> None:
        if any(point is loaded for loaded in self._loaded):  # two distributions may have equal entry points
            return
        self._loaded.append(point)
        if self._manager.has_plugin(point.name):
            reason = f"another plugin is named {point.name!r}; plugin names must be unique"
            self.broken.append(Broken(point.name, *_origin(point), reason))
            return
        if self.probe and _origin(point)[0] != OWN and (reason := self.probe(point)):
            self.broken.append(Broken(point.name, *_origin(point), reason))
            return
        before = settings()
        try:
            with redirect_stdout(sys.stderr):  # keep what an import prints out of standard output
                self._register(point)
        except (Exception, SystemExit) as error:
            self._manager.unregister(name=point.name) if self._manager.has_plugin(point.name) else None
            self.broken.append(Broken(point.name, *_origin(point), _reason(error)))
        if changed := put_back(before):
            logger.warning("importing plugin %r changed %s, which was put back", point.name, ", ".join(changed))

    def _register(self, point: EntryPoint) -> None:
        module = point.load()
        _check_spelling(module)
        self._manager.register(module, name=point.name)
        self._manager.check_pending()
        fresh = list(self._ask(point))
        if not fresh:
            raise _Refused(f"registers no hooks: expected {', '.join(_hook_names())} marked with @bench.hookimpl")
        self._check_group(point, {entry.kind for entry in fresh})
        for entry in fresh:
            if entry.kind == "metrics" and entry.name in PLACES:
                raise _Refused(f"entry {entry.name!r} is a metric of bench; choose another name")
            if entry.name in self.entries[entry.kind]:
                other = self.entries[entry.kind][entry.name]
                raise _Refused(f"entry {entry.name!r} is already provided by {other.plugin!r} ({other.distribution})")
        for entry in fresh:
            self.entries[entry.kind][entry.name] = entry

    def _check_group(self, point: EntryPoint, kinds: set[str]) -> None:
        """Metrics have a group of entry points of their own, and a distribution that brings methods brings none."""
        if point.group != METRICS:
            if "metrics" in kinds:
                raise _Refused(
                    f"provides metrics: expected its entry point in the group {METRICS!r}, got {point.group!r}"
                )
            return
        if others := sorted(kinds - {"metrics"}):
            raise _Refused(
                f"its entry point is in the group {METRICS!r}: expected metrics alone, got {', '.join(others)}"
            )
        own = _origin(point)[0]
        for other in self.found:
            if other.group != METRICS and point.dist and _origin(other)[0] == own:
                self._load(other)
        if methods := [entry.name for entry in self.entries["generators"].values() if entry.distribution == own]:
            raise _Refused(
                f"its distribution {own!r} brings methods ({', '.join(methods)}): the author of a method does not "
                "choose how it is measured; move the metrics to a distribution of their own"
            )

    def _ask(self, point: EntryPoint) -> Iterator[Entry]:
        for kind, base in KINDS.items():
            for hook in getattr(self._manager.hook, f"bench_{kind}").get_hookimpls():
                if hook.plugin_name == point.name:
                    for name, target in _answers(hook, kind):
                        _check(name, target, base)
                        yield Entry(name, kind, point.name, *_origin(point), target, point.module)


class BrokenPlugin(BenchError):
    """The requested name is that of a broken plugin."""

    def __init__(self, broken: Broken) -> None:
        super().__init__(f"plugin {broken.plugin!r} is broken: {broken.reason}")
        self.broken = broken


class _Refused(BenchError):
    """A plugin that can be imported but does not meet the requirements of the host."""


def source_modules(target: type) -> list[str]:
    """The modules that define the class and its bases; for built-in ones their package."""
    roots = (*KINDS.values(), Model)
    own = {base.__module__ for base in target.__mro__ if issubclass(base, roots) and base not in roots}
    return sorted({module.rpartition(".")[0] if module.count(".") > 1 else module for module in own})


def _modules(target: type, module: str) -> list[str]:
    """A module of each package that a plugin consists of or extends, but `bench.parts`, which `source_digest` includes."""
    if target.__module__.startswith("bench."):
        return [target.__module__]
    extended = [other for other in source_modules(target) if other != "bench.parts"]
    tops = {_top(other): other for other in [*extended, module or target.__module__, target.__module__]}
    own = tops.pop(_top(target.__module__))
    return [own, *(tops[top] for top in sorted(tops))]


def _top(module: str) -> str:
    """The package that has files of its own: that of a plugin, or a room of the host."""
    return module if module.startswith("bench.") else module.split(".")[0]


def _origin(point: EntryPoint) -> tuple[str, str]:
    return (point.dist.name, point.dist.version) if point.dist else ("unknown", "0")


def _own_first(point: EntryPoint) -> tuple[bool, str, str]:
    return (_origin(point)[0] != OWN, point.name, _origin(point)[0])


def _likely(point: EntryPoint, name: str) -> bool:
    return name == point.name or name.startswith(f"{point.name}-")


def _hook_names() -> list[str]:
    return [f"bench_{kind}" for kind in KINDS]


def _check_spelling(module: ModuleType) -> None:
    for name, value in vars(module).items():
        if name.startswith("bench_") and inspect.isfunction(value) and value.__module__ == module.__name__:
            if name not in _hook_names():
                raise _Refused(f"it defines {name}(), which is not a hook: {nearest(name, _hook_names())}")
            if not hasattr(value, "bench_impl"):
                raise _Refused(f"its {name}() is not marked with @bench.hookimpl, so it would never be called")


def _answers(hook: pluggy.HookImpl, kind: str) -> Iterable[tuple[str, Any]]:
    answer = hook.function()
    if not hasattr(answer, "items"):
        raise _Refused(f"bench_{kind}(): expected a mapping from names to classes, got {type(answer).__name__}")
    return answer.items()


def _check(name: str, target: Any, base: type) -> None:
    if not (isinstance(name, str) and NAME.fullmatch(name)):
        near = "-".join(re.findall("[a-z0-9]+", str(name).lower())) or "my-method"
        raise _Refused(f"entry name {name!r} is not in kebab-case: use {near!r}")
    bases = (Generator, Classifier) if base is Generator else (base,)  # a classifier is a method that samples nothing
    if not (isinstance(target, type) and issubclass(target, bases)):
        raise _Refused(f"entry {name!r}: expected a class derived from bench.{base.__name__}, got {target!r}")
    if missing := sorted(target.__abstractmethods__):  # type: ignore[attr-defined]
        raise _Refused(f"its class {target.__name__} lacks {', '.join(missing)}()")
    if not isinstance(getattr(target, "source", None), str):
        raise _Refused(f"its class {target.__name__} has no source (a string)")
    if base is ImageMetric:
        _check_metric(target)  # type: ignore[arg-type]
    elif base is not DataSource:
        try:
            check_config(getattr(target, "Config", None))
        except BenchError as error:
            raise _Refused(f"entry {name!r}: {error}") from error
        if not isinstance(getattr(target, "paper_epochs", 1), int):
            raise _Refused(f"its class {target.__name__}: expected paper_epochs as a whole number")


def _check_metric(target: type[ImageMetric]) -> None:
    about = getattr(target, "about", None)
    if not (isinstance(about, str) and about.strip()):
        raise _Refused(f"its class {target.__name__} has no about (a line of text)")
    if target.better not in ("lower", "higher", None):
        raise _Refused(
            f"its class {target.__name__}: expected better as 'lower', 'higher' or None, got {target.better!r}"
        )
    if not (type(target.version) is int and target.version >= 1):
        raise _Refused(f"its class {target.__name__}: expected version as a whole number of at least 1")


def _reason(error: BaseException) -> str:
    if isinstance(error, BenchError):
        return str(error)
    return " ".join(f"{type(error).__name__}: {error}".split())[:300]
