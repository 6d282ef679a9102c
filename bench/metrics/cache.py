"""Arrays that follow from real images alone, kept on disk by the digest of all they follow from."""

import hashlib
import io
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from bench.util.atomic import read_checksummed, read_or_quarantine, remove_stale, write_checksummed

log = logging.getLogger(__name__)
Array = NDArray[Any]


def content_digest(pixels: object, *more: object) -> str:
    """SHA-256 of the bytes and the shape of an array, and of anything printable."""
    array = np.ascontiguousarray(pixels)
    digest = hashlib.sha256(repr((array.shape, array.dtype.str, *more)).encode())
    digest.update(array.tobytes())
    return digest.hexdigest()


class Cache:
    """Float32 arrays in `folder`; without a folder everything is made anew."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def get(self, name: str, parts: tuple[str, ...], make: Callable[[], Array]) -> Array:
        """What `make` gives for these parts: read where it was made before and is whole, else made and kept."""
        if self._folder is None:
            return make()
        key = hashlib.sha256(repr((name, parts)).encode()).hexdigest()[:24]
        path = self._folder / "features" / f"{name}-{key}.npy"
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_suffix(".lock")):  # two jobs at once: the second waits, then reads
            remove_stale(path.parent, f"{path.name}.*")
            array = read_or_quarantine(path, read_checksummed, _array)
            if array is None:
                array = make()
                _keep(path, array)
        return array


def _array(payload: bytes) -> Array:
    """Raises anything for bytes that are no array."""
    return np.load(io.BytesIO(payload), allow_pickle=False)


def _keep(path: Path, array: Array) -> None:
    """Write the array, and say so where that cannot be: the numbers do not depend on it."""
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    try:
        write_checksummed(path, buffer.getvalue())
    except OSError as error:
        log.warning("features are made anew each time: cannot write %s: %s", path, error.strerror or error)
