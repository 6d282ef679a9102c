"""How the authors of a method chose its default settings: `tuning.toml` in the package of a plugin.

The file has a table for each entry. It is about results and decides none, so it is not part of the digest of a plugin.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.errors import BenchError, nearest
from bench.registry.sources import file_of_package

FILE = "tuning.toml"
TEXTS = ("metric", "data", "note")
KEYS = ("trials", *TEXTS)


@dataclass(frozen=True)
class Tuning:
    """One table of the file. `metric` and `data` are empty if nothing was tuned."""

    trials: int | None = None  # settings that were compared; 0: nothing was tuned; None: they were not counted
    metric: str = ""  # by which they were compared
    data: str = ""  # data set, split and budget on which
    note: str = ""

    def __str__(self) -> str:
        """`best of 12 settings by fd-lite0 on sprites`, `not tuned`, or `number of trials not recorded`."""
        compared = " ".join(
            [*([f"by {self.metric}"] if self.metric else []), *([f"on {self.data}"] if self.data else [])]
        )
        if self.trials == 0:
            said = "not tuned"
        elif self.trials is None:
            said = f"chosen {compared}, number of trials not recorded" if compared else "number of trials not recorded"
        else:
            said = f"best of {self.trials} settings {compared}"
        return f"{said}; {self.note}" if self.note else said


def find_tuning(module: str, entry: str) -> Tuning | None:
    """What the plugin that provides `module` says about this entry; None if it says nothing. Imports nothing.

    Raises `BenchError` for an invalid file.
    """
    path = file_of_package(module, FILE)
    return read_tuning(path).get(entry) if path else None


def read_tuning(path: Path) -> dict[str, Tuning]:
    """Parse and check a file: the tables by entry. Raises `BenchError` that names the file, the table and the key."""
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BenchError(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise BenchError(f"{path} is not valid TOML: {error}") from error
    return {name: _tuning(table, f"{path}: {name}") for name, table in tables.items()}


def _tuning(table: Any, where: str) -> Tuning:
    if not isinstance(table, dict):
        raise BenchError(f"{where}: expected a table [entry], got {table!r}")
    for key in table:
        if key not in KEYS:
            raise BenchError(f"{where}: unknown key {key!r}: {nearest(key, KEYS)}")
    for key in TEXTS:
        if not isinstance(table.get(key, ""), str):
            raise BenchError(f"{where}: expected {key} as text in quotes, got {table[key]!r}")
    trials = table.get("trials")
    if trials is not None and not (type(trials) is int and trials >= 0):
        raise BenchError(f"{where}: expected trials as a whole number of at least 0, got {trials!r}")
    _check_texts(trials, table, where)
    return Tuning(trials, **{key: " ".join(table.get(key, "").split()) for key in TEXTS})


def _check_texts(trials: int | None, table: Mapping[str, Any], where: str) -> None:
    """What was compared, and on which data, is said if and only if something was."""
    for key in ("metric", "data"):
        if trials and not table.get(key, "").strip():
            raise BenchError(f"{where}: expected {key} for {trials} trials, got none")
        if trials == 0 and table.get(key, "").strip():
            raise BenchError(f"{where}: expected no {key} without trials, got {table[key]!r}")
    if trials is None and not table.get("note", "").strip():
        raise BenchError(f"{where}: expected trials, or a note that says what was tried, got neither")
