"""Prepared data sets: a folder of .npy files with one digest over all of them, written atomically."""

import contextlib
import hashlib
import json
import logging
import math
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from filelock import FileLock
from numpy.typing import NDArray

from bench.api import Data, Dataset, Factor, Spec
from bench.data.builder import DatasetBuilder, SplitBuilder
from bench.data.progress import progress
from bench.errors import BenchError
from bench.util.atomic import Corrupt
from bench.util.mounts import local_locks
from bench.util.paths import cache_dir

MAP_ABOVE = 2**30  # bytes: larger arrays are memory-mapped, smaller ones read
FORMAT = 1  # raise when the layout of a prepared folder changes
SPLITS = ("train", "validation", "test")
log = logging.getLogger(__name__)


class Digest:
    """SHA-256 over the spec and, split by split, the images, labels and factors, each preceded by its name and shape."""

    def __init__(self, spec: Spec) -> None:
        self._hash = hashlib.sha256(json.dumps(asdict(spec), sort_keys=True).encode())

    def begin(self, name: str, shape: tuple[int, ...]) -> None:
        self._hash.update(f"\n{name}{shape}\n".encode())

    def update(self, array: NDArray[Any]) -> None:
        self._hash.update(np.ascontiguousarray(array).data)

    def hex(self) -> str:
        return self._hash.hexdigest()


def dataset_digest(spec: Spec, splits: dict[str, Data]) -> str:
    """The digest of a data set in memory or memory-mapped."""
    digest = Digest(spec)
    for split in SPLITS:
        data = splits[split]
        for name, tensor in (("images", data.images), ("labels", data.labels), ("factors", data.factors)):
            if tensor is not None:
                digest.begin(f"{split}.{name}", tuple(tensor.shape))
                digest.update(tensor.numpy())
    return digest.hex()


def prepared_folder(name: str, *parts: object) -> Path:
    """The folder of a prepared data set that depends on `parts`."""
    key = hashlib.sha256(repr((FORMAT, name, *parts)).encode()).hexdigest()[:16]
    return cache_dir() / "prepared" / f"{name}-{key}"


def load_or_build(folder: Path, build: Callable[[], DatasetBuilder]) -> Dataset:
    """Read the data set in `folder`; if it is missing or corrupt, build it (once, even if several processes ask).

    Raises `BenchError` if locks there do not reach other machines that see the folder.
    """
    with contextlib.suppress(FileNotFoundError, Corrupt):  # a corrupt one is quarantined below, under the lock
        return read(folder)
    if why := local_locks(folder):
        raise BenchError(
            f"cannot prepare a data set in {folder.parent}: two machines could write it at once, since it is on {why}; "
            "set BENCH_CACHE to a folder on a local disk"
        )
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder.parent / f".{folder.name}.lock")
        lock.acquire()
    except OSError as error:
        return _without_cache(build(), error)
    try:
        with contextlib.suppress(FileNotFoundError):
            return _read_or_quarantine(folder)
        builder = build()
        try:
            _write(folder, builder)
            return read(folder)
        except OSError as error:
            return _without_cache(builder, error)
    finally:
        lock.release()


def read(folder: Path) -> Dataset:
    """Read a prepared data set. Raises `FileNotFoundError` if it is missing, `Corrupt` if its digest is wrong."""
    path = folder / "dataset.json"
    if not os.path.isfile(path):
        raise FileNotFoundError(path)
    try:
        header = json.loads(path.read_text(encoding="utf-8"))
        spec = _spec(header["spec"])
        splits = {split: _read_split(folder, split, spec) for split in SPLITS}
        intact = dataset_digest(spec, splits) == header["digest"]
    except Exception as error:  # parsers raise anything
        raise Corrupt(f"{folder} is corrupt: {' '.join(str(error).split())[:300]}") from error
    if not intact:
        raise Corrupt(f"{folder} is corrupt: its content does not match its digest")
    return Dataset(spec, digest=header["digest"], **splits)


def _read_or_quarantine(folder: Path) -> Dataset:
    try:
        return read(folder)
    except Corrupt as error:
        aside = folder.with_name(f"{folder.name}.corrupt")
        with contextlib.suppress(OSError):
            shutil.rmtree(aside, ignore_errors=True)
            os.replace(folder, aside)
        log.warning("%s; moved to %s, will be prepared again", error, aside.name)
        raise FileNotFoundError(folder) from error


def _read_split(folder: Path, split: str, spec: Spec) -> Data:
    factors = _tensor(folder / f"{split}.factors.npy") if spec.factors else None
    return Data(spec, _tensor(folder / f"{split}.images.npy"), _tensor(folder / f"{split}.labels.npy"), factors)


def _tensor(path: Path) -> torch.Tensor:
    """Large arrays are mapped copy-on-write, so that the file can never be changed through the tensor."""
    with open(path, "rb") as file:  # a corrupt header may state more bytes than there is memory
        np.lib.format.read_magic(file)
        shape, _, kind = np.lib.format.read_array_header_1_0(file)
        expected, size = math.prod(shape) * kind.itemsize, path.stat().st_size - file.tell()
    if expected != size:
        raise ValueError(f"{path.name}: expected {expected} bytes of content, got {size}")
    return torch.from_numpy(np.load(path, mmap_mode="c" if size > MAP_ABOVE else None, allow_pickle=False))


def _spec(fields: dict[str, Any]) -> Spec:
    factors = tuple(Factor(**factor) for factor in fields["factors"])
    return Spec(**{**fields, "classes": tuple(fields["classes"]), "factors": factors})


def _write(folder: Path, builder: DatasetBuilder) -> None:
    """Write to a temporary folder, then rename it to `folder`."""
    temporary = folder.parent / f".{folder.name}.tmp"  # one writer at a time; a folder left by a killed one is removed
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir()
    try:
        digest = Digest(builder.spec)
        with _counted(builder) as more:
            for split, part in builder.splits().items():
                _write_split(temporary, split, part, builder.spec, digest, more)
        header = {"spec": asdict(builder.spec), "digest": digest.hex()}
        (temporary / "dataset.json").write_text(json.dumps(header, indent=1), encoding="utf-8")
        shutil.rmtree(folder, ignore_errors=True)  # one without dataset.json
        os.replace(temporary, folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


@contextlib.contextmanager
def _counted(builder: DatasetBuilder) -> Iterator[Callable[[int], None]]:
    total = sum(len(part.labels) for part in builder.splits().values())
    with progress(f"preparing {builder.spec.name}", total) as more:
        yield more


def _write_split(
    folder: Path, split: str, part: SplitBuilder, spec: Spec, digest: Digest, more: Callable[[int], None]
) -> None:
    shape = (len(part.labels), *spec.shape)
    digest.begin(f"{split}.images", shape)
    with open(folder / f"{split}.images.npy", "wb") as file:
        header = {"descr": "|u1", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, header)
        for block in _checked(part, spec):
            digest.update(block)
            file.write(block.data)
            more(len(block))
        file.flush()
        os.fsync(file.fileno())
    for name, array in _columns(part):
        digest.begin(f"{split}.{name}", array.shape)
        digest.update(array)
        np.save(folder / f"{split}.{name}.npy", array)


def _columns(part: SplitBuilder) -> Iterator[tuple[str, NDArray[Any]]]:
    yield "labels", np.ascontiguousarray(part.labels, dtype=np.int64)
    if part.factors is not None:
        yield "factors", np.ascontiguousarray(part.factors, dtype=np.float32)


def _checked(part: SplitBuilder, spec: Spec) -> Iterator[NDArray[np.uint8]]:
    """The blocks of a split, checked: dtype, shape, and as many images as labels."""
    count = 0
    for block in part.blocks():
        assert block.dtype == np.uint8, block.dtype
        assert block.shape[1:] == spec.shape, (block.shape, spec.shape)
        count += len(block)
        yield np.ascontiguousarray(block)
    assert count == len(part.labels), (count, len(part.labels))


def _without_cache(builder: DatasetBuilder, error: OSError) -> Dataset:
    """Build the data set in memory, because the cache is not writable."""
    log.warning("cannot cache data set %s: %s; it is prepared again in each run", builder.spec.name, error)
    splits = {}
    with _counted(builder) as more:
        for split, part in builder.splits().items():
            images, start = np.empty((len(part.labels), *builder.spec.shape), dtype=np.uint8), 0
            for block in _checked(part, builder.spec):
                images[start : start + len(block)] = block
                start += len(block)
                more(len(block))
            columns = {name: torch.from_numpy(array) for name, array in _columns(part)}
            splits[split] = Data(builder.spec, torch.from_numpy(images), **columns)
    return Dataset(builder.spec, digest=dataset_digest(builder.spec, splits), **splits)
