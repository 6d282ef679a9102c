"""Where boards live: one CSV file for each data set, changed by one process at a time, whole at every moment."""

import hashlib
import logging
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from urllib.parse import quote, unquote

from bench.errors import BenchError, nearest
from bench.leaderboard.rows import decode, encode, tidy
from bench.results.record import Record
from bench.util.atomic import remove_stale, write_atomic
from bench.util.text import plain

LONGEST_NAME = 150  # bytes: file systems allow 255, and temporary files append to it
PATIENCE = 60.0  # seconds to wait for another process, which needs milliseconds
logger = logging.getLogger("bench")


def board_path(folder: Path, dataset: str, suffix: str = ".csv") -> Path:
    """The file of a data set: its name with all but plain characters as %XX; one too long ends in a digest."""
    if not dataset:
        raise BenchError("expected the name of a data set, got an empty one")
    name = quote(plain(dataset), safe="@+=,")
    name = "%2E" + name[1:] if name.startswith(".") else name
    if len(name) > LONGEST_NAME:
        digest = hashlib.sha256(name.encode()).hexdigest()[:16]
        name = re.sub("%..", "_", name)[: LONGEST_NAME - len(digest) - 1] + "~" + digest
    return folder / (name + suffix)


def boards(folder: Path) -> list[str]:
    """The data sets that have a board in `folder`, by name."""
    return sorted(unquote(path.stem) for path in folder.glob("*.csv") if not path.name.startswith("."))


def read(path: Path) -> list[Record]:
    """All records of a board. Raises `BenchError` that names the file and the invalid row and column."""
    try:
        payload = path.read_bytes()
    except FileNotFoundError:
        known = boards(path.parent)
        raise BenchError(f"no leaderboard {path}: {nearest(unquote(path.stem), known)}") from None
    except OSError as error:
        raise BenchError(f"{path} cannot be read: {error.strerror}") from error
    return decode(payload, path)


def merge(folder: Path, records: Iterable[Record]) -> list[Path]:
    """Add the records to the boards of their data sets and return the paths of these.

    A record replaces an older one for the same cell. Nothing is written if nothing changes. A file that is not a board
    is renamed, never overwritten. Raises `BenchError` if the folder cannot be written.
    """
    by_path: dict[Path, list[Record]] = {}
    for record in records:
        by_path.setdefault(board_path(folder, record.dataset), []).append(tidy(record))
    for path, fresh in by_path.items():
        with locked(path):
            _merge_one(path, fresh)
    return list(by_path)


def update(path: Path, payload: bytes) -> bool:
    """Write the file if its content is not this already. Hold the lock of its board."""
    if path.is_file() and path.read_bytes() == payload:
        return False
    write_atomic(path, payload)
    return True


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the board alone. The lock is the operating system's: it ends with the process that holds it.

    Raises `BenchError` if the folder cannot be written, or if the lock cannot be acquired in time.
    """
    from filelock import FileLock, Timeout

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.parent / f".{path.stem}.lock", timeout=PATIENCE):
            for suffix in (".csv", ".md"):
                remove_stale(path.parent, f"{path.stem}{suffix}.*")
            yield
    except Timeout:
        raise BenchError(f"{path} was locked by another process for {PATIENCE:.0f} seconds: try again") from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise BenchError(
            f"cannot write {path}: {reason}; make room there or choose another folder with --leaderboards"
        ) from error


def _merge_one(path: Path, fresh: list[Record]) -> None:
    places = {record.place: record for record in _held(path)}
    places |= {record.place: record for record in fresh}
    update(path, encode(places.values()))


def _held(path: Path) -> list[Record]:
    """The records of the board; empty if it is missing or unreadable."""
    if not path.exists():
        return []
    payload = path.read_bytes()
    try:
        return decode(payload, path)
    except BenchError as error:
        aside = next(other for n in count(1) if not (other := path.with_name(f"{path.name}.corrupt-{n}")).exists())
        path.rename(aside)
        logger.warning("moved a board that cannot be read to %s: %s", aside, error)
        return []
