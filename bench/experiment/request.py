"""What `bench run` is asked for: names and numbers, parsed but not yet resolved against the installed plugins."""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from bench.errors import BenchError, nearest
from bench.experiment.engine import LOCAL, Engine
from bench.util.paths import expanded, split_range
from bench.util.text import items

Split = Literal["test", "validation"]


@dataclass(frozen=True)
class DatasetRef:
    """`digits`, `folder:PATH` or `digits@20`: a data set, its argument, and how many labels per class are kept."""

    base: str  # the entry
    argument: str = ""
    labels: int | None = None  # per class; None keeps all
    split: Split = "test"  # that methods are scored on

    @classmethod
    def parse(cls, text: str, labels: int | None = None) -> "DatasetRef":
        """`labels` is what `--labels-per-class` asks for. A path that exists as written is never cut at an `@`.

        Raises `BenchError` if the name asks for a number too.
        """
        match = None if _is_path(text) else re.fullmatch(r"(.+)@([1-9]\d{0,8})", text, re.ASCII)
        name = match[1] if match else text
        if match and labels is not None:
            raise BenchError(f"--labels-per-class {labels}: the data set {text!r} already names a number of labels")
        base, _, argument = name.partition(":")
        return cls(base, argument, int(match[2]) if match else labels)

    def require_path(self) -> None:
        """Raises `BenchError` that names the path as written if a folder with a number of labels does not exist."""
        if self.base == "folder" and self.labels and not os.path.exists(expanded(split_range(self.argument)[0])):
            raise BenchError(f"no such folder or zip file: {self.argument}@{self.labels}, nor {self.argument}")

    def __str__(self) -> str:
        name = f"{self.base}:{self.argument}" if self.argument else self.base
        return name if self.labels is None else f"{name}@{self.labels}"


def _is_path(text: str) -> bool:
    """Whether this is `folder:PATH` and PATH exists to the letter."""
    base, _, path = text.partition(":")
    try:
        return base == "folder" and bool(path) and os.path.exists(expanded(path))
    except BenchError:  # the home of a user that does not exist
        return False


@dataclass(frozen=True)
class ClassifierRef:
    """`resnet-xs` or `timm:resnet18`: a classifier, and the text that becomes its setting `name`.

    `fit:resnet-xs` is the same network, but published weights are not used; `fit` is the default network.
    """

    base: str  # the entry
    argument: str = ""
    fresh: bool = False  # train it even if weights are published

    @classmethod
    def parse(cls, text: str, default: str = "") -> "ClassifierRef":
        word, _, rest = text.partition(":")
        if word == "fit":
            return replace(cls.parse(rest or default), fresh=True)
        return cls(word, rest)

    @property
    def settings(self) -> dict[str, str]:
        return {"name": self.argument} if self.argument else {}

    def __str__(self) -> str:
        return f"{self.base}:{self.argument}" if self.argument else self.base


@dataclass(frozen=True)
class Given:
    """External images, which are scored instead of a method: the name of their row, and their digest."""

    name: str
    digest: str


@dataclass(frozen=True)
class RunRequest:
    """The arguments of `bench run` that decide its results."""

    plugins: str
    dataset: DatasetRef
    seeds: tuple[int, ...]
    budget: str
    set: tuple[str, ...]
    guide: ClassifierRef
    judge: ClassifierRef
    device: str
    jobs: int  # at a time; 0: as many as the engine runs
    threads: int  # of each job
    given: Given | None = None
    isolated: tuple[str, ...] = ()  # distributions whose methods run in environments of their own
    engine: Engine = LOCAL


def parse_seeds(text: str) -> tuple[int, ...]:
    """`0,1,2` or `0-4`. Raises `BenchError`."""
    seeds: list[int] = []
    for part in items(text) or [""]:
        match = re.fullmatch(r"(\d{1,9})(?:\s*-\s*(\d{1,9}))?", part, re.ASCII)
        if not match:
            raise BenchError(f"--seeds: expected whole numbers such as 0,1,2 or 0-4, got {text!r}")
        first, last = int(match[1]), int(match[2] or match[1])
        if not first <= last < first + 1000:
            raise BenchError(f"--seeds: expected an ascending range of at most 1000 seeds, got {part!r}")
        seeds += range(first, last + 1)
    if len(set(seeds)) < len(seeds):
        raise BenchError(f"--seeds: duplicate seed in {text!r}")
    return tuple(seeds)


def parse_settings(texts: Sequence[str], owners: Sequence[str]) -> dict[str, dict[str, str]]:
    """`entry.key=value` texts by entry. Raises `BenchError` if a text names none of `owners`."""
    settings: dict[str, dict[str, str]] = {owner: {} for owner in owners}
    for text in texts:
        match = re.fullmatch(r"([^.=\s]+)\.([^.=\s]+)=(.*)", text, re.DOTALL)
        if not match:
            raise BenchError(f"--set: expected entry.setting=value such as regene.lr=1e-3, got {text!r}")
        owner, name, value = match.groups()
        if owner not in settings:
            raise BenchError(f"--set: {owner!r} is not part of this run: {nearest(owner, owners)}")
        if name in settings[owner]:
            raise BenchError(f"--set: {owner}.{name} is set twice")
        settings[owner][name] = value
    return settings


def parse_names(text: str) -> list[str]:
    """The entry names of `--plugins`. Raises `BenchError` for an empty list or a duplicate."""
    names = items(text)
    if not names:
        raise BenchError("--plugins: expected entry names such as 'regene', or 'all'")
    if len(set(names)) < len(names):
        raise BenchError(f"--plugins: duplicate name in {text!r}")
    return names
