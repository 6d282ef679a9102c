"""Files that know whether they are whole: written atomically, with the SHA-256 of what follows in front."""

import hashlib
import os
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from bench.errors import BenchError

Value = TypeVar("Value")


class Corrupt(BenchError):
    """A file that does not hold what was written to it."""


def write_atomic(path: Path, payload: bytes) -> None:
    """Replace `path` by `payload` at once: whoever reads sees the old file or the new one, never a part.

    Raises `OSError` that names `path`.
    """
    try:
        _write_beside(path, payload)
    except OSError as error:  # which names a file of no interest, or, where a disk is full, none
        raise OSError(error.errno, error.strerror, str(path)) from error


def _write_beside(path: Path, payload: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(payload)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, _mode(path))
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def remove_stale(folder: Path, pattern: str = "*") -> None:
    """Remove what processes killed while writing files like `pattern` left in `folder`. Hold the lock of these files."""
    for left in folder.glob(f".{pattern}.tmp"):
        left.unlink(missing_ok=True)


def _mode(path: Path) -> int:
    """The permissions of the file that is replaced; of any new file where there is none."""
    if path.exists():
        return path.stat().st_mode & 0o777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


def write_checksummed(path: Path, payload: bytes) -> None:
    """Write `payload` behind its own digest."""
    write_atomic(path, hashlib.sha256(payload).hexdigest().encode() + b"\n" + payload)


def read_checksummed(path: Path) -> bytes:
    """Read what `write_checksummed` wrote. Raises `Corrupt` where the digest does not match."""
    digest, _, payload = path.read_bytes().partition(b"\n")
    if hashlib.sha256(payload).hexdigest().encode() != digest:
        raise Corrupt(f"{path} is corrupt: its content does not match its digest")
    return payload


def read_or_quarantine(path: Path, parse: Callable[[bytes], Value]) -> Value | None:
    """What `parse` makes of a sealed file; None where it is missing or corrupt, and then it is set aside.

    Raises `BenchError` where there is a file that cannot be read.
    """
    try:
        return parse(read_checksummed(path))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise BenchError(f"{path} cannot be read: {error.strerror or error}") from error
    except Corrupt as error:
        quarantine(path, str(error))
    except Exception as error:  # a whole file of something else: parsers raise anything
        quarantine(path, f"{path} is corrupt: {type(error).__name__}: {error}")
    return None


def quarantine(path: Path, why: str) -> None:
    """Keep what cannot be used under another name, in place of what was set aside before, and say so in one sentence."""
    aside = path.with_name(path.name + ".corrupt")
    with suppress(OSError):  # where nothing can be written, it is as good as missing all the same
        path.replace(aside)
    print(f"bench: {' '.join(why.split())[:500]}; it is set aside as {aside.name} and made again", file=sys.stderr)
