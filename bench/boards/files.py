"""Where boards live: one CSV file for each data set, changed by one process at a time, whole at every moment."""

import hashlib
import logging
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import lru_cache
from itertools import count
from pathlib import Path
from urllib.parse import quote, unquote

from bench.boards import journal
from bench.boards.rows import Conflict, decode, decode_sides, differing, encode, tidy
from bench.errors import BenchError, nearest
from bench.results.record import DATA_DIGITS, Record
from bench.util.atomic import remove_stale, write_atomic
from bench.util.text import plain

LONGEST_JOURNAL = 2**20  # bytes: a longer one is merged if it is longer than the board
LONGEST_NAME = 150  # bytes: file systems allow 255, and temporary files append to it
PATIENCE = 60.0  # seconds to wait for another process, which needs milliseconds
logger = logging.getLogger("bench")


def board_path(folder: Path, dataset: str, suffix: str = ".csv") -> Path:
    """The file of a board: the name of its data set, other than plain ASCII characters as %XX.

    A name that is too long ends in a digest.
    """
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
    """All records of a board, those of its journal included. Raises `BenchError` that names the file and the invalid row and column."""
    try:
        payload = path.read_bytes()
    except FileNotFoundError:
        known = boards(path.parent)
        raise BenchError(f"no leaderboard {path}: {nearest(unquote(path.stem), known)}") from None
    except OSError as error:
        raise BenchError(f"{path} cannot be read: {error.strerror}") from error
    return list(_overlaid(decode(payload, path), journal.rows(path)))


def add(folder: Path, records: Sequence[Record]) -> None:
    """Add the records of one job to its board, at a cost that does not grow with the board; else as `merge`.

    They are in the CSV file after `settle` or `merge`; `read` sees them at once.
    """
    if not records:
        return
    path, fresh = board_path(folder, records[0].dataset), [tidy(record) for record in records]
    if not path.exists():
        merge(folder, fresh)
        return
    with locked(path):
        _check_data(path, set(_data_of(path)), {record.data for record in fresh})
        size = journal.add(path, fresh)
    if size > max(LONGEST_JOURNAL, path.stat().st_size):
        settle(path)


def settle(path: Path) -> None:
    """Merge the journal of a board into its CSV file."""
    if journal.journal_of(path).exists():
        with locked(path):
            if held := _held(path):
                update(path, encode(held))
            journal.clear(path)


def merge(folder: Path, records: Iterable[Record]) -> list[Path]:
    """Add the records to the boards of their data sets and return the paths of these.

    A record replaces an older one for the same cell. Nothing is written if nothing changes. A file that is not a board
    is renamed, never overwritten. Raises `Conflict` for a board whose rows contradict each other or that holds results
    on other data, and `BenchError` if the folder cannot be written.
    """
    by_path: dict[Path, list[Record]] = {}
    for record in records:
        by_path.setdefault(board_path(folder, record.dataset), []).append(tidy(record))
    for path, fresh in by_path.items():
        with locked(path):
            update(path, encode(_together(path, _held(path), fresh)))
            journal.clear(path)
    return list(by_path)


@dataclass(frozen=True)
class Changes:
    """How many rows of other boards are new, take the place of a different row, and are there already."""

    added: int
    replaced: int
    unchanged: int


def merge_boards(folder: Path, dataset: str, others: Sequence[Path], dry_run: bool = False) -> Changes:
    """Merge boards of other machines into that of `dataset`, in one step and by the rule of `merge`.

    A later board replaces rows of an earlier one. Raises `BenchError` before anything is written if one of them cannot
    be read or holds results of another data set.
    """
    return merge_rows(folder, dataset, [record for other in others for record in _rows_of(other, dataset)], dry_run)


def merge_rows(folder: Path, dataset: str, rows: Sequence[Record], dry_run: bool = False) -> Changes:
    """The same for rows of the data set: a later one replaces an earlier one of its place."""
    path, fresh = board_path(folder, dataset), [tidy(record) for record in rows]
    with nullcontext() if dry_run else locked(path):
        held = _both_sides(path) if path.exists() else []
        whole = _together(path, held, fresh)
        if not dry_run:
            update(path, encode(whole))
            journal.clear(path)
    return _changes(held, fresh)


def check_board(folder: Path, dataset: str, data: str) -> None:
    """Raise `Conflict` if results on the data with this digest could not be merged into the board."""
    path = board_path(folder, dataset)
    try:
        held = decode(path.read_bytes(), path)
    except Conflict:
        raise
    except (BenchError, OSError):  # `merge` sets aside what is not a board; a missing one can be written
        return
    _check_data(path, {record.data for record in held}, {data[:DATA_DIGITS]})


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


def _together(path: Path, held: Sequence[Record], fresh: Sequence[Record]) -> Iterable[Record]:
    """One record for each place, the newer one. Raises `Conflict` for records of different data."""
    _check_data(path, {record.data for record in held}, {record.data for record in fresh})
    return _overlaid(held, fresh)


def _overlaid(held: Sequence[Record], fresh: Sequence[Record]) -> Iterable[Record]:
    """One record for each place, the newer one."""
    return {record.place: record for record in [*held, *fresh]}.values()


def _data_of(path: Path) -> frozenset[str]:
    """The digests of the data of a board: read once as long as its CSV file does not change."""
    state = path.stat()
    return _data_in(path, state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=16)
def _data_in(path: Path, modified: int, size: int) -> frozenset[str]:
    return frozenset(record.data for record in _held(path))


def _check_data(path: Path, held: set[str], fresh: set[str]) -> None:
    """Raise `Conflict` unless all digests are one; an empty one is not known."""
    for data in sorted(fresh - {""}):
        for other in sorted((held | fresh) - {"", data}):
            raise Conflict(
                f"{path}: results on data with the digest {data} cannot be merged with those on other data of that name "
                f"(digest {other}); rename the data set's folder, or choose another folder with --leaderboards"
            )


def _rows_of(other: Path, dataset: str) -> list[Record]:
    """The rows of a board of another machine. Raises `BenchError` if it is that of another data set."""
    if not other.exists():
        read(other)  # says what there is instead
    records = _both_sides(other)
    for record in records:
        if record.dataset != dataset:
            raise BenchError(f"{other}: expected results of {dataset!r}, got {record.dataset!r}")
    return records


def _both_sides(path: Path) -> list[Record]:
    """The rows of a board and its journal; of a file with a git merge conflict those of both sides."""
    try:
        payload = path.read_bytes()
    except OSError as error:
        raise BenchError(f"{path} cannot be read: {error.strerror}") from error
    return list(_overlaid(decode_sides(payload, path), journal.rows(path)))


def _changes(held: Iterable[Record], fresh: Iterable[Record]) -> Changes:
    before, after = ({record.place: record for record in records} for records in (held, fresh))
    known = [differing(before[place], record) for place, record in after.items() if place in before]
    replaced = sum(map(bool, known))
    return Changes(len(after) - len(known), replaced, len(known) - replaced)


def _held(path: Path) -> list[Record]:
    """The records of the board and its journal. A file that cannot be read is moved aside, and its rows are not there.

    Raises `Conflict` for a board that contradicts itself.
    """
    return list(_overlaid(_in_file(path), journal.rows(path)))


def _in_file(path: Path) -> list[Record]:
    if not path.exists():
        return []
    payload = path.read_bytes()
    try:
        return decode(payload, path)
    except Conflict:
        raise
    except BenchError as error:
        aside = next(other for n in count(1) if not (other := path.with_name(f"{path.name}.corrupt-{n}")).exists())
        path.rename(aside)
        logger.warning("moved a board that cannot be read to %s: %s", aside, error)
        return []
