"""Files that are written as a whole, and that reveal whether they still hold what was written."""

import hashlib
import json
import logging
import os
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from bench.errors import BenchError

Value = TypeVar("Value")
DIGEST = 64  # hex digits of a SHA-256
logger = logging.getLogger("bench")


class Corrupt(BenchError):
    """A file that does not hold what was written to it."""


def write_atomic(path: Path, payload: bytes, durable: bool = True) -> None:
    """Replace `path` by `payload` in one step: readers see the old file or the new one, never a part.

    durable: wait until the disk has it, so that it outlasts a power failure; a copy that can be made again need not.
    Raises `OSError` that names `path`.
    """
    try:
        _write_and_replace(path, payload, durable)
    except OSError as error:  # names the temporary file or, if the disk is full, no file
        raise OSError(error.errno, error.strerror, str(path)) from error


def _write_and_replace(path: Path, payload: bytes, durable: bool) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(payload)
            file.flush()
            if durable:
                os.fsync(file.fileno())
        os.chmod(name, _mode(path))
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _mode(path: Path) -> int:
    """The permissions of the file that is replaced, or those of any new file."""
    if path.exists():
        return path.stat().st_mode & 0o777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


def remove_stale(folder: Path, pattern: str = "*") -> None:
    """Remove temporary files of `pattern` that killed processes left in `folder`. Hold the lock of these files."""
    for left in folder.glob(f".{pattern}.tmp"):
        left.unlink(missing_ok=True)


# Binary files: the digest is the last 64 bytes, which readers of zip formats such as .npz ignore


def write_checksummed(path: Path, payload: bytes) -> None:
    """Write `payload`, followed by its SHA-256."""
    write_atomic(path, payload + hashlib.sha256(payload).hexdigest().encode())


def read_checksummed(path: Path) -> bytes:
    """Read what `write_checksummed` wrote. Raises `Corrupt` if the digest does not match."""
    content = path.read_bytes()
    payload, digest = content[:-DIGEST], content[-DIGEST:]
    if hashlib.sha256(payload).hexdigest().encode() != digest:
        raise Corrupt(f"{path} is corrupt: its content does not match its digest")
    return payload


# JSON files: the digest is a member next to the content


def write_json(path: Path, content: Any) -> None:
    """Write plain values as JSON, with the SHA-256 of their canonical form. Raises `ValueError` for nan and infinity."""
    document = {"sha256": _json_digest(content), "content": content}
    write_atomic(path, json.dumps(document, indent=1, allow_nan=False).encode() + b"\n")


def read_json(path: Path) -> Any:
    """Read what `write_json` wrote. Raises `Corrupt` if it is not JSON or the digest does not match."""
    try:
        document = json.loads(path.read_bytes())
        digest, content = document["sha256"], document["content"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise Corrupt(f"{path} is corrupt: it is not JSON with a digest") from error
    if _json_digest(content) != digest:
        raise Corrupt(f"{path} is corrupt: its content does not match its digest")
    return content


def _json_digest(content: Any) -> str:
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


# Files that can be made again


def read_or_quarantine(path: Path, read: Callable[[Path], Any], parse: Callable[[Any], Value]) -> Value | None:
    """What `parse` makes of what `read` returns; None if the file is missing, or corrupt and now quarantined.

    Raises `BenchError` if the file cannot be read.
    """
    try:
        return parse(read(path))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise BenchError(f"{path} cannot be read: {error.strerror or error}") from error
    except Corrupt as error:
        quarantine(path, str(error))
    except Exception as error:  # the digest matches, but the content is something else: parsers raise anything
        quarantine(path, f"{path} is corrupt: {type(error).__name__}: {error}")
    return None


def quarantine(path: Path, why: str) -> None:
    """Rename an unusable file to `.corrupt`, replacing any earlier one, and warn in one sentence."""
    aside = path.with_name(path.name + ".corrupt")
    with suppress(OSError):  # if nothing can be written, the file counts as missing all the same
        path.replace(aside)
    logger.warning("%s; moved to %s, will be rebuilt", " ".join(why.split())[:500], aside.name)
