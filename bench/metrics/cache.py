"""A cache on disk for arrays that depend only on real images, keyed by a digest of everything they depend on."""

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


class Cache:
    """Arrays in `folder`. If `folder` is None, nothing is kept."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def get(self, name: str, parts: tuple[str, ...], make: Callable[[], Array]) -> Array:
        """The result of `make` for these parts, read from disk if an intact copy exists, else computed and saved."""
        if self._folder is None:
            return make()
        key = hashlib.sha256(repr((name, parts)).encode()).hexdigest()[:24]
        path = self._folder / "features" / f"{name}-{key}.npy"
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_suffix(".lock")):  # if two jobs need it, the second waits, then reads
            remove_stale(path.parent, f"{path.name}.*")
            array = read_or_quarantine(path, read_checksummed, _array)
            if array is None:
                array = make()
                _keep(path, array)
        return array


def _array(payload: bytes) -> Array:
    """Raises an exception of any type if `payload` is not a saved array."""
    return np.load(io.BytesIO(payload), allow_pickle=False)


def _keep(path: Path, array: Array) -> None:
    """Write the array. A failure is only logged: results do not depend on the cache."""
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    try:
        write_checksummed(path, buffer.getvalue())
    except OSError as error:
        log.warning(
            "cannot cache features in %s: %s; they are computed again in each run", path, error.strerror or error
        )
