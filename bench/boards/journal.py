"""The journal of a board: rows of jobs that have ended, until they are merged into the CSV file.

Adding to it costs the same however large the board is. A line is a digest and the rows of one job; one that a killed
process or a full disk cut short counts as not written, and the next run writes these rows again. Hold the lock of the
board while writing.
"""

import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path

from bench.results.record import Record

DIGITS = 16  # of the digest of a line


def journal_of(board: Path) -> Path:
    """The journal that lies beside the CSV file of a board."""
    return board.with_name(f".{board.stem}.journal")


def add(board: Path, records: Sequence[Record]) -> int:
    """Append the rows of one job, and return the size of the journal in bytes. Raises `OSError`."""
    payload = json.dumps([record.to_dict() for record in records]).encode()
    line = hashlib.sha256(payload).hexdigest()[:DIGITS].encode() + b" " + payload + b"\n"
    with open(journal_of(board), "ab") as file:
        if file.tell() and not _ends_a_line(journal_of(board)):
            line = b"\n" + line  # what was cut short becomes a line of its own
        file.write(line)
        file.flush()
        os.fsync(file.fileno())
        return file.tell()


def rows(board: Path) -> list[Record]:
    """All rows of the journal, in the order in which they were added; empty if there is none."""
    try:
        lines = journal_of(board).read_bytes().split(b"\n")
    except FileNotFoundError:
        return []
    return [record for line in lines for record in _parsed(line)]


def clear(board: Path) -> None:
    """Remove the journal: its rows are in the CSV file."""
    journal_of(board).unlink(missing_ok=True)


def _ends_a_line(path: Path) -> bool:
    with open(path, "rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"


def _parsed(line: bytes) -> list[Record]:
    digest, _, payload = line.partition(b" ")
    if hashlib.sha256(payload).hexdigest()[:DIGITS].encode() != digest:
        return []
    try:
        return [Record.from_dict(row) for row in json.loads(payload)]
    except (ValueError, KeyError, TypeError):  # written by another version
        return []
