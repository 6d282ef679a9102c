"""Every row of a board as data for the table that filters: each column as its different values and their places."""

from collections.abc import Sequence
from typing import Any

from bench.results.record import Record

COLUMNS = ("entry", "settings", "seed", "budget", "metric", "value", "n", "status", "reason", "protocol", "judge",
           "guide", "device", "version", "key")  # fmt: skip


def coded(records: Sequence[Record]) -> dict[str, Any]:
    """By column: `values`, each once, and `places`, an index into them for each row."""
    return {"columns": {name: _column([getattr(record, name) for record in records]) for name in COLUMNS}}


def _column(values: Sequence[Any]) -> dict[str, list[Any]]:
    distinct = {value: place for place, value in enumerate(dict.fromkeys(values))}
    return {"values": list(distinct), "places": [distinct[value] for value in values]}
