"""Records as the rows of a tidy CSV file: one line for each, with exact floats."""

import codecs
import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

from bench.boards.conflict import both_sides, has_conflict
from bench.errors import BenchError, nearest
from bench.results.record import LATER, Record, Status
from bench.util.text import one_line, plain, shorten

COLUMNS = (
    "dataset", "entry", "plugin", "version", "seed", "budget", "metric", "value", "n", "status", "reason", "judge",
    "device", "key", "distribution", "settings", "protocol", "guide", "data", "tuning",
)  # fmt: skip
SEPARATORS = {";": "semicolons", "\t": "tabs"}  # that spreadsheets of some languages write instead of commas
UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, *(COLUMNS[0].encode(f"utf-16-{end}") for end in ("le", "be")))
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
    """What `encode` wrote, also if a spreadsheet saved it again: a byte order mark and blank lines are skipped.

    Equal rows count once. Raises `BenchError` naming the file, the line and the column at fault, and `Conflict` for
    different rows of one place.
    """
    text = _text_of(payload, path)
    if has_conflict(text):
        raise BenchError(
            f"{path} has a git merge conflict; bench leaderboard {path.stem} --merge {path} --leaderboards {path.parent} "
            "merges both sides"
        )
    lines = _lines(text, path)
    _, header = next(lines, (1, []))
    columns = _columns(header, path)
    rows = ((number, _record(line, columns, f"{path}, line {number}")) for number, line in lines)
    return _unique(rows, path)


def decode_sides(payload: bytes, path: Path) -> list[Record]:
    """As `decode`, but of a file with a git merge conflict the rows of both sides; those of the second one win."""
    text = _text_of(payload, path)
    if not has_conflict(text):
        return decode(payload, path)
    sides = (decode(side.encode(), path) for side in both_sides(text))
    return list({record.place: record for side in sides for record in side}.values())


class Conflict(BenchError):
    """Results that cannot be on one board: different rows of one place, or rows of different data."""


def differing(first: Record, second: Record) -> str:
    """The columns in which two records differ, with both values; empty if their rows are equal."""
    pairs = ((column, *(_text(getattr(record, column)) for record in (first, second))) for column in COLUMNS)
    return ", ".join(f"{column} {one!r} and {other!r}" for column, one, other in pairs if one != other)


def _order(record: Record) -> tuple[Any, ...]:
    return (record.dataset, record.entry, record.settings, record.budget, record.seed, record.metric, *record.place)


def _text(value: Any) -> str:
    return "" if value is None else repr(value) if isinstance(value, float) else str(value)


def _text_of(payload: bytes, path: Path) -> str:
    """The file as text, without a byte order mark."""
    if payload.startswith(UTF16):
        raise BenchError(f"{path} is UTF-16 text: save it as UTF-8")
    try:
        return payload.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BenchError(f"{path} is not UTF-8 text ({error}): save it as UTF-8") from error


def _lines(text: str, path: Path) -> Iterator[tuple[int, list[str]]]:
    """The fields of each line that is not blank, with its number in the file."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        for fields in reader:
            if any(field.strip() for field in fields):
                yield reader.line_num, fields
    except csv.Error as error:
        raise BenchError(f"{path}, line {reader.line_num}: not the CSV file of a board: {error}") from error


def _columns(header: list[str], path: Path) -> tuple[str, ...]:
    """The columns that the header names: all, or those of an older version."""
    for character, name in SEPARATORS.items():
        if len(header) == 1 and character in header[0]:
            raise BenchError(f"{path}: expected commas between the columns, got {name}: save it with commas")
    for name, expected in zip(header, COLUMNS, strict=False):
        if name != expected:
            raise BenchError(f"{path}: expected column {expected!r}, got {name!r}")
    if len(header) > len(COLUMNS):
        raise BenchError(f"{path}: the header has unknown column {header[len(COLUMNS)]!r}")
    for column in COLUMNS[len(header) :]:
        if column not in LATER:
            raise BenchError(f"{path}: the header lacks column {column!r}")
    return COLUMNS[: len(header)]


def _record(line: list[str], columns: tuple[str, ...], where: str) -> Record:
    if len(line) != len(columns):
        raise BenchError(f"{where}: expected {len(columns)} fields ({', '.join(columns)}), got {len(line)}")
    return Record.from_dict({column: _value(column, text, where) for column, text in zip(columns, line, strict=True)})


def _unique(rows: Iterable[tuple[int, Record]], path: Path) -> list[Record]:
    """One record for each place. Raises `Conflict` that names both lines if two differ."""
    places: dict[tuple[str, ...], tuple[int, Record]] = {}
    for number, record in rows:
        before, known = places.setdefault(record.place, (number, record))
        if known is record:
            continue
        if difference := differing(known, record):
            what = f"{record.metric} of {f'{record.entry} {record.settings}'.strip()}, seed {record.seed}"
            raise Conflict(f"{path}: lines {before} and {number} disagree on {what}: {difference}; remove one of them")
    return [record for _, record in places.values()]


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
