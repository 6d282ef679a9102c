"""Whether another machine sees a folder of this one, and its locks: found out by a file in it that stays locked."""

import secrets
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from bench.errors import BenchError

PREFIX = ".in-use-"


@contextmanager
def marked(folders: Sequence[Path]) -> Iterator[list[Path]]:
    """Hold a locked file in each of the folders: their marks. Raises `BenchError` if a folder cannot be written."""
    with ExitStack() as stack:
        marks = []
        for folder in folders:
            try:
                folder.mkdir(parents=True, exist_ok=True)
                _sweep(folder)
                mark = folder / f"{PREFIX}{secrets.token_hex(8)}.lock"
                stack.callback(mark.unlink, missing_ok=True)
                stack.enter_context(FileLock(mark))
            except OSError as error:
                raise BenchError(f"cannot write to {folder}: {error.strerror or error}") from error
            marks.append(mark)
        yield marks


def is_held(mark: Path) -> bool:
    """Whether somebody holds this mark, as far as this machine can tell."""
    lock = FileLock(mark, timeout=0)
    try:
        with lock:
            return False
    except Timeout:
        return True


def _sweep(folder: Path) -> None:
    """Remove the marks of processes that were killed."""
    for mark in folder.glob(f"{PREFIX}*.lock"):
        if not is_held(mark):
            mark.unlink(missing_ok=True)
