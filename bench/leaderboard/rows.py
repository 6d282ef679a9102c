"""Records as the rows of a tidy CSV file: one line for each, with exact floats."""

import csv
import io
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

from bench.errors import BenchError, nearest
from bench.results.record import Record, Status
from bench.util.text import one_line, plain, shorten

COLUMNS = (
    "dataset", "entry", "plugin", "version", "seed", "budget", "metric", "value", "n", "status", "reason", "judge",
    "device", "key", "distribution", "settings", "protocol", "guide",
)  # fmt: skip
LONGEST_REASON = 1_000  # characters
LONGEST_TEXT = 10_000  # of any other column


def tidy(record: Record) -> Record:
    """The record as a file can hold it: plain numbers, texts without control characters, a reason of one line.

    Raises `BenchError` for a text that is too long, ValueError for an unknown status.
    """
    if record.status not in get_args(Status):
        raise ValueError(f"unknown status: {record.status!r}")
    texts = {name: plain(value) for name, value in vars(record).items() if isinstance(value, str)}
    texts["reason"] = shorten(one_line(record.reason), LONGEST_REASON)
    for name, text in texts.items():
        if len(text) > LONGEST_TEXT:
            raise BenchError(f"{name} of a record has {len(text)} characters, the longest allowed is {LONGEST_TEXT}")
    value = None if record.value is None else float(record.value)
    n = None if record.n is None else int(record.n)
    return replace(record, value=value, n=n, seed=int(record.seed), **texts)  # type: ignore[arg-type]


def encode(records: Iterable[Record]) -> bytes:
    """UTF-8 CSV: header, then one line for each tidied record, sorted by what makes its place."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(COLUMNS)
    for record in sorted(map(tidy, records), key=_order):
        writer.writerow([_text(getattr(record, column)) for column in COLUMNS])
    return buffer.getvalue().encode()


def decode(payload: bytes, path: Path) -> list[Record]:
    """What `encode` wrote. Raises `BenchError` naming the file, the line and the column at fault."""
    try:
        lines = list(csv.reader(io.StringIO(payload.decode(), newline=""), strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise BenchError(f"{path} is not the CSV file of a board: {error}") from error
    _check_header(lines[0] if lines else [], path)
    return [_record(line, f"{path}, row {number}") for number, line in enumerate(lines[1:], 2)]


def _order(record: Record) -> tuple[Any, ...]:
    return (record.dataset, record.entry, record.settings, record.budget, record.seed, record.metric, *record.place)


def _text(value: Any) -> str:
    return "" if value is None else repr(value) if isinstance(value, float) else str(value)


def _check_header(header: list[str], path: Path) -> None:
    for name, expected in zip(header, COLUMNS, strict=False):
        if name != expected:
            raise BenchError(f"{path}: expected column {expected!r}, got {name!r}")
    if len(header) != len(COLUMNS):
        difference = sorted(set(COLUMNS) - set(header)) or header[len(COLUMNS) :]
        what = "lacks" if len(header) < len(COLUMNS) else "has unknown"
        raise BenchError(f"{path}: the header {what} column {difference[0]!r}")


def _record(line: list[str], where: str) -> Record:
    if len(line) != len(COLUMNS):
        raise BenchError(f"{where}: expected {len(COLUMNS)} fields ({', '.join(COLUMNS)}), got {len(line)}")
    return Record.from_dict({column: _value(column, text, where) for column, text in zip(COLUMNS, line, strict=True)})


def _value(column: str, text: str, where: str) -> Any:
    try:
        if column == "value":
            return float(text) if text else None
        if column == "n":
            return int(text) if text else None
        if column == "seed":
            return int(text)
    except ValueError:
        raise BenchError(f"{where}: {column}: expected a number, got {text!r}") from None
    if column == "status" and text not in get_args(Status):
        raise BenchError(f"{where}: unknown status {text!r}: {nearest(text, get_args(Status))}")
    return text
