"""The ledger of claims: what a method is said to do, how that is measured here, the figure, and the verdict."""

import sys
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, get_args

from bench.errors import BenchError, nearest

Shown = Literal["shown", "not shown", "not attempted"]
FILE = "claims.toml"
TOP = ("method", "source")
KEYS = ("id", "claim", "measured_by", "expected", "figure", "status")


@dataclass(frozen=True)
class Claim:
    """One line of a ledger."""

    plugin: str
    method: str
    source: str
    id: str
    claim: str
    measured_by: str
    expected: str
    figure: str  # empty only where not attempted
    status: Shown


def load_claims(name: str | None = None) -> list[Claim]:
    """The claims of one plugin, or of all installed plugins that keep a ledger. Imports no plugin.

    Raises `BenchError` for an unknown plugin, one without a ledger, and a ledger that breaks the format.
    """
    points = {point.name: point for point in sorted(entry_points(group="bench"), key=lambda point: point.name)}
    if name is None:
        ledgers = [(point.name, path) for point in points.values() if (path := find_ledger(point))]
        return [claim for plugin, path in ledgers for claim in read_claims(path, plugin)]
    plugin = next((known for known in points if known.replace("-", "_") == name.replace("-", "_")), None)
    if plugin is None:
        raise BenchError(f"unknown plugin {name!r}: {nearest(name, points)}")
    path = find_ledger(points[plugin])
    if path is None:
        raise BenchError(f"plugin {plugin!r} has no {FILE} in its package {points[plugin].module}")
    return read_claims(path, plugin)


def find_ledger(point: EntryPoint) -> Path | None:
    """The ledger in the package of the plugin or, in a source checkout, beside it; None where there is none."""
    return next((path for folder in _folders(point.module) if (path := folder / FILE).is_file()), None)


def read_claims(path: Path, plugin: str) -> list[Claim]:
    """Parse and check one ledger. Raises `BenchError` naming the file and the key."""
    try:
        ledger = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BenchError(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:  # of the text, of TOML, or of a number too long to be one
        raise BenchError(f"{path} is not valid TOML: {error}") from error
    _check(ledger, (*TOP, "claim"), str(path), TOP)
    rows = ledger["claim"]
    if not (isinstance(rows, list) and rows and all(isinstance(row, dict) for row in rows)):
        raise BenchError(f"{path}: claim must be a list of tables, one [[claim]] for each, with at least one")
    for index, row in enumerate(rows):
        _check_claim(row, f"{path}: claim {index + 1}", [other.get("id") for other in rows[:index]])
    return [Claim(plugin, ledger["method"], ledger["source"], **row) for row in rows]


def _folders(module: str) -> Iterator[Path]:
    """The folder of the package a module is in, and, for a package of its own, the one it lies in."""
    top, *inner = module.split(".")
    for root in _package(top):
        inside = root.joinpath(*inner)
        folder = inside if inside.is_dir() else inside.parent
        yield folder
        if folder == root and str(root.parent) not in _installed():
            yield root.parent


def _package(top: str) -> list[Path]:
    """The folders of a top-level package, found without importing it; none for a single file or a broken package."""
    try:
        spec = find_spec(top)
    except (ImportError, ValueError, AttributeError):
        return []
    return [Path(folder) for folder in (spec and spec.submodule_search_locations) or () if Path(folder).is_dir()]


def _installed() -> set[str]:
    return {folder for folder in sys.path if Path(folder).name in ("site-packages", "dist-packages")}


def _check_claim(row: dict[str, Any], where: str, taken: list[Any]) -> None:
    _check(row, KEYS, where, [key for key in KEYS if key != "figure"])
    if row["status"] not in get_args(Shown):
        raise BenchError(f"{where}: unknown status {row['status']!r}: {nearest(row['status'], get_args(Shown))}")
    if not isinstance(row["figure"], str):
        raise BenchError(f"{where}: figure must be text in quotes, got {row['figure']!r}")
    if not row["figure"].strip() and row["status"] != "not attempted":
        raise BenchError(f"{where}: figure must not be empty where the status is {row['status']!r}")
    if row["id"] in taken:
        raise BenchError(f"{where}: id {row['id']!r} is used twice")


def _check(table: dict[str, Any], keys: Iterable[str], where: str, texts: Iterable[str]) -> None:
    """Exactly these keys; those of `texts` are text, and not empty."""
    for key in table:
        if key not in keys:
            raise BenchError(f"{where}: unknown key {key!r}: {nearest(key, keys)}")
    for key in keys:
        if key not in table:
            raise BenchError(f"{where}: key {key!r} is missing")
    for key in texts:
        if not isinstance(table[key], str):
            raise BenchError(f"{where}: {key} must be text in quotes, got {table[key]!r}")
        if not table[key].strip():
            raise BenchError(f"{where}: {key} must not be empty")
