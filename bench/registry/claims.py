"""The ledger of claims: what a paper claims, how it is measured here, the figure, and whether it was reproduced."""

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, Literal, get_args

from bench.errors import BenchError, nearest
from bench.registry.sources import file_of_package

Shown = Literal["shown", "not shown", "not attempted"]
FILE = "claims.toml"
TOP = ("method", "source")
KEYS = ("id", "claim", "measured_by", "expected", "figure", "status")


@dataclass(frozen=True)
class Claim:
    """One claim of a ledger."""

    plugin: str
    method: str
    source: str
    id: str
    claim: str
    measured_by: str
    expected: str
    figure: str  # empty only if not attempted
    status: Shown


def load_claims(name: str | None = None) -> list[Claim]:
    """The claims of one plugin, or of all installed plugins that have a ledger. Imports no plugin.

    Raises `BenchError` for an unknown plugin, a plugin without a ledger, and an invalid ledger.
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
        raise BenchError(f"plugin {plugin!r} has no {FILE} in package {points[plugin].module}")
    return read_claims(path, plugin)


def find_ledger(point: EntryPoint) -> Path | None:
    """The ledger in the package of the plugin; None if there is none."""
    return file_of_package(point.module, FILE)


def read_claims(path: Path, plugin: str) -> list[Claim]:
    """Parse and check one ledger. Raises `BenchError` naming the file and the key."""
    try:
        ledger = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BenchError(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:  # in the encoding, the syntax, or a number that is too long
        raise BenchError(f"{path} is not valid TOML: {error}") from error
    _check(ledger, (*TOP, "claim"), str(path), TOP)
    rows = ledger["claim"]
    if not (isinstance(rows, list) and rows and all(isinstance(row, dict) for row in rows)):
        raise BenchError(f"{path}: expected at least one [[claim]] table")
    for index, row in enumerate(rows):
        _check_claim(row, f"{path}: claim {index + 1}", [other.get("id") for other in rows[:index]])
    return [Claim(plugin, ledger["method"], ledger["source"], **row) for row in rows]


def _check_claim(row: dict[str, Any], where: str, taken: list[Any]) -> None:
    _check(row, KEYS, where, [key for key in KEYS if key != "figure"])
    if row["status"] not in get_args(Shown):
        raise BenchError(f"{where}: unknown status {row['status']!r}: {nearest(row['status'], get_args(Shown))}")
    if not isinstance(row["figure"], str):
        raise BenchError(f"{where}: expected figure as text in quotes, got {row['figure']!r}")
    if not row["figure"].strip() and row["status"] != "not attempted":
        raise BenchError(f"{where}: figure must not be empty if the status is {row['status']!r}")
    if row["id"] in taken:
        raise BenchError(f"{where}: duplicate id {row['id']!r}")


def _check(table: dict[str, Any], keys: Iterable[str], where: str, texts: Iterable[str]) -> None:
    """Require exactly these keys; those in `texts` must be non-empty text."""
    for key in table:
        if key not in keys:
            raise BenchError(f"{where}: unknown key {key!r}: {nearest(key, keys)}")
    for key in keys:
        if key not in table:
            raise BenchError(f"{where}: key {key!r} is missing")
    for key in texts:
        if not isinstance(table[key], str):
            raise BenchError(f"{where}: expected {key} as text in quotes, got {table[key]!r}")
        if not table[key].strip():
            raise BenchError(f"{where}: {key} must not be empty")
