"""What `bench run` was asked for: parsed, with every complaint that needs no plugin, but not yet resolved."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bench.errors import BenchError, nearest


@dataclass(frozen=True)
class RunRequest:
    """The arguments of `bench run` that decide its results."""

    plugins: str
    dataset: str
    seeds: tuple[int, ...]
    budget: str
    set: tuple[str, ...]
    guide: str
    judge: str
    device: str
    jobs: int
    threads: int  # of each job


def parse_seeds(text: str) -> tuple[int, ...]:
    """`0,1,2` or `0-4`. Raises `BenchError`."""
    seeds: list[int] = []
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d{1,9})(?:-(\d{1,9}))?\s*", part, re.ASCII)
        if not match:
            raise BenchError(f"--seeds: got {text!r}, wanted whole numbers such as 0,1,2 or 0-4")
        first, last = int(match[1]), int(match[2] or match[1])
        if not first <= last < first + 1000:
            raise BenchError(f"--seeds: got the range {part.strip()!r}, wanted an ascending one of at most 1000 seeds")
        seeds += range(first, last + 1)
    if len(set(seeds)) < len(seeds):
        raise BenchError(f"--seeds: got {text!r}, in which a seed comes twice")
    return tuple(seeds)


def parse_settings(texts: Sequence[str], owners: Sequence[str]) -> dict[str, dict[str, str]]:
    """`entry.key=value` texts by entry. Raises `BenchError` where one names none of `owners`."""
    settings: dict[str, dict[str, str]] = {owner: {} for owner in owners}
    for text in texts:
        match = re.fullmatch(r"([^.=\s]+)\.([^.=\s]+)=(.*)", text, re.DOTALL)
        if not match:
            raise BenchError(f"--set: got {text!r}, wanted entry.setting=value such as regene.lr=1e-3")
        owner, name, value = match.groups()
        if owner not in settings:
            raise BenchError(f"--set: {owner!r} is not part of this run: {nearest(owner, owners)}")
        if name in settings[owner]:
            raise BenchError(f"--set: {owner}.{name} is given twice")
        settings[owner][name] = value
    return settings


def parse_names(text: str) -> list[str]:
    """The entry names of `--plugins`. Raises `BenchError` for none, or one that comes twice."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        raise BenchError("--plugins: got nothing, wanted entry names such as regene, or all")
    if len(set(names)) < len(names):
        raise BenchError(f"--plugins: got {text!r}, in which a name comes twice")
    return names


def split_argument(name: str) -> tuple[str, str]:
    """`timm:resnet18` -> (timm, resnet18)."""
    base, _, argument = name.partition(":")
    return base, argument


def split_labels(name: str) -> tuple[str, int | None]:
    """`digits@20` -> (digits, 20): a data set cut to so many labels per class. Without a cut the number is None."""
    match = re.fullmatch(r"(.+)@([1-9]\d{0,8})", name, re.ASCII)
    return (match[1], int(match[2])) if match else (name, None)


def join_labels(name: str, per_class: int | None) -> str:
    """The other way round: `--dataset digits --labels-per-class 20` is digits@20. Raises `BenchError` for two cuts."""
    if per_class is None:
        return name
    if split_labels(name)[1] is not None:
        raise BenchError(f"--labels-per-class {per_class}: the data set {name!r} names a cut already")
    return f"{name}@{per_class}"


def argument_settings(name: str) -> dict[str, str]:
    """The text behind the colon of a classifier is its setting `name`."""
    argument = split_argument(name)[1]
    return {"name": argument} if argument else {}
