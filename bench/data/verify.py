"""Whether a file is the published one: digests of its content, computed once for each file and kept in the cache."""

import gzip
import hashlib
import logging
import zlib
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from bench.data.files import Published
from bench.util.atomic import Corrupt, read_json, write_json
from bench.util.paths import cache_dir

log = logging.getLogger(__name__)
LIMIT = 2**31  # bytes: no published file unpacks to more
UNPACKED = "unpacked "  # before the algorithm: the digest of what is inside of a gzip file


def mismatch(path: Path, file: Published) -> tuple[str, str] | None:
    """The expected and the found digest if `path` has another content than `file`; None if it has the same.

    A file passes as published, without gzip, or compressed again, as far as these digests are known. One without any
    known digest passes always.
    """
    expected = file.content or file.digest
    if not expected:
        return None
    algorithm = expected.partition(":")[0]
    found = _digest(path, algorithm)
    if found in (file.content, file.digest):
        return None
    if not file.content or not _is_gzip(path):
        return expected, found
    unpacked = _digest(path, UNPACKED + algorithm)
    if unpacked == file.content:
        return None
    return (expected, unpacked) if unpacked else (file.digest, found)


def known_mismatch(path: Path, file: Published) -> bool:
    """Whether `mismatch` has found another content in this file, which has not changed since. Reads none of its data."""
    found = set(_kept(path).values()) - {""}
    return bool(found) and found.isdisjoint((file.content, file.digest))


def _digest(path: Path, kind: str) -> str:
    """`sha256:...` of a file, or of what is inside of it ("" if it is damaged): from the cache, or computed."""
    digests = _kept(path)
    if kind not in digests:
        digests[kind] = _compute(path, kind)
        _keep(path, digests)
    return digests[kind]


def _compute(path: Path, kind: str) -> str:
    algorithm = kind.removeprefix(UNPACKED)
    with open(path, "rb") as file:
        if kind == algorithm:
            return f"{algorithm}:{hashlib.file_digest(file, algorithm).hexdigest()}"
        digest = _unpacked_digest(file, algorithm)
    return digest and f"{algorithm}:{digest}"


def _unpacked_digest(file: BinaryIO, algorithm: str) -> str:
    digest, left = hashlib.new(algorithm), LIMIT
    with suppress(EOFError, OSError, ValueError, zlib.error), gzip.open(file) as stream:
        while piece := stream.read(2**20):
            digest.update(piece)
            left -= len(piece)
            if left < 0:
                return ""
        return digest.hexdigest()
    return ""  # damaged


def _is_gzip(path: Path) -> bool:
    with open(path, "rb") as file:
        return file.read(2) == b"\x1f\x8b"


# The digests in the cache: one file for each path, valid as long as size and date are the same


def _record(path: Path) -> Path:
    name = hashlib.sha256(str(path.absolute()).encode(errors="surrogateescape")).hexdigest()[:24]
    return cache_dir() / "digests" / f"{name}.json"


def _stamp(path: Path) -> list[int]:
    status = path.stat()
    return [status.st_size, status.st_mtime_ns]


def _kept(path: Path) -> dict[str, str]:
    with suppress(OSError, Corrupt, KeyError, TypeError, ValueError):
        kept = read_json(_record(path))
        if kept["stamp"] == _stamp(path):
            return dict(kept["digests"])
    return {}


def _keep(path: Path, digests: dict[str, str]) -> None:
    try:
        write_json(_record(path), {"stamp": _stamp(path), "digests": digests})
    except OSError as error:
        log.warning("cannot keep the digest of %s: %s; it is computed again in each run", path, error.strerror or error)
