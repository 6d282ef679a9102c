"""Files that know whether they are whole: written atomically, with the SHA-256 of what follows in front."""

import hashlib
import os
import tempfile
from pathlib import Path

from bench.errors import BenchError


class Corrupt(BenchError):
    """A file that does not hold what was written to it."""


def write_atomic(path: Path, payload: bytes) -> None:
    """Replace `path` by `payload` at once: whoever reads sees the old file or the new one, never a part."""
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


def sweep(folder: Path, pattern: str = "*") -> None:
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


def write_sealed(path: Path, payload: bytes) -> None:
    """Write `payload` behind its own digest."""
    write_atomic(path, hashlib.sha256(payload).hexdigest().encode() + b"\n" + payload)


def read_sealed(path: Path) -> bytes:
    """Read what `write_sealed` wrote. Raises `Corrupt` where the digest does not match."""
    digest, _, payload = path.read_bytes().partition(b"\n")
    if hashlib.sha256(payload).hexdigest().encode() != digest:
        raise Corrupt(f"{path} is corrupt: its content does not match its digest")
    return payload
