"""Data sets made ready once: a folder of .npy files with the digest of them all, written at once or not at all."""

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
from bench.data.progress import progress
from bench.data.recipe import Part, Recipe
from bench.util.atomic import Corrupt
from bench.util.paths import cache_dir

MAP_ABOVE = 2**30  # bytes: larger arrays are memory-mapped, smaller ones read
FORMAT = 1  # raise when the layout of a prepared folder changes
SPLITS = ("train", "validation", "test")
log = logging.getLogger(__name__)


class Digest:
    """SHA-256 over the spec and, split by split, the images, labels and factors, each behind its name and shape."""

    def __init__(self, spec: Spec) -> None:
        self._hash = hashlib.sha256(json.dumps(asdict(spec), sort_keys=True).encode())

    def begin(self, name: str, shape: tuple[int, ...]) -> None:
        self._hash.update(f"\n{name}{shape}\n".encode())

    def update(self, array: NDArray[Any]) -> None:
        self._hash.update(np.ascontiguousarray(array).data)

    def hex(self) -> str:
        return self._hash.hexdigest()


def dataset_digest(spec: Spec, splits: dict[str, Data]) -> str:
    """The digest of a data set that lies in memory or is memory-mapped."""
    digest = Digest(spec)
    for split in SPLITS:
        data = splits[split]
        for name, tensor in (("images", data.images), ("labels", data.labels), ("factors", data.factors)):
            if tensor is not None:
                digest.begin(f"{split}.{name}", tuple(tensor.shape))
                digest.update(tensor.numpy())
    return digest.hex()


def prepared_folder(name: str, *parts: object) -> Path:
    """Where a data set that follows from `parts` is kept."""
    key = hashlib.sha256(repr((FORMAT, name, *parts)).encode()).hexdigest()[:16]
    return cache_dir() / "prepared" / f"{name}-{key}"


def load_or_make(folder: Path, make: Callable[[], Recipe]) -> Dataset:
    """Read what lies in `folder`; where it is missing or corrupt, make it (once, however many ask at a time)."""
    with contextlib.suppress(FileNotFoundError, Corrupt):  # a corrupt one is dealt with by whoever holds the lock
        return read(folder)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder.parent / f".{folder.name}.lock")
        lock.acquire()
    except OSError as error:
        return _without_cache(make(), error)
    try:
        with contextlib.suppress(FileNotFoundError):
            return _read_or_set_aside(folder)
        recipe = make()
        try:
            _write(folder, recipe)
            return read(folder)
        except OSError as error:
            return _without_cache(recipe, error)
    finally:
        lock.release()


def read(folder: Path) -> Dataset:
    """Read a prepared data set. Raises `FileNotFoundError` where there is none, `Corrupt` where its digest is wrong."""
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


def _read_or_set_aside(folder: Path) -> Dataset:
    try:
        return read(folder)
    except Corrupt as error:
        aside = folder.with_name(f"{folder.name}.corrupt")
        with contextlib.suppress(OSError):
            shutil.rmtree(aside, ignore_errors=True)
            os.replace(folder, aside)
        log.warning("%s; it is set aside as %s and prepared again", error, aside.name)
        raise FileNotFoundError(folder) from error


def _read_split(folder: Path, split: str, spec: Spec) -> Data:
    factors = _tensor(folder / f"{split}.factors.npy") if spec.factors else None
    return Data(spec, _tensor(folder / f"{split}.images.npy"), _tensor(folder / f"{split}.labels.npy"), factors)


def _tensor(path: Path) -> torch.Tensor:
    """Mapped copy-on-write where large, so that the file can never be changed through the tensor."""
    with open(path, "rb") as file:  # a corrupt header may promise more than all of the memory
        np.lib.format.read_magic(file)
        shape, _, kind = np.lib.format.read_array_header_1_0(file)
        promised, held = math.prod(shape) * kind.itemsize, path.stat().st_size - file.tell()
    if promised != held:
        raise ValueError(f"{path.name} promises {promised} bytes of content, it holds {held}")
    return torch.from_numpy(np.load(path, mmap_mode="c" if held > MAP_ABOVE else None, allow_pickle=False))


def _spec(fields: dict[str, Any]) -> Spec:
    factors = tuple(Factor(**factor) for factor in fields["factors"])
    return Spec(**{**fields, "classes": tuple(fields["classes"]), "factors": factors})


def _write(folder: Path, recipe: Recipe) -> None:
    """Write beside `folder`, then put it in place at once."""
    temporary = folder.parent / f".{folder.name}.tmp"  # one writer at a time; what a killed one left is of no use
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir()
    try:
        digest = Digest(recipe.spec)
        with _counted(recipe) as more:
            for split, part in recipe.parts().items():
                _write_split(temporary, split, part, recipe.spec, digest, more)
        header = {"spec": asdict(recipe.spec), "digest": digest.hex()}
        (temporary / "dataset.json").write_text(json.dumps(header, indent=1), encoding="utf-8")
        shutil.rmtree(folder, ignore_errors=True)  # one without its header
        os.replace(temporary, folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


@contextlib.contextmanager
def _counted(recipe: Recipe) -> Iterator[Callable[[int], None]]:
    total = sum(len(part.labels) for part in recipe.parts().values())
    with progress(f"preparing {recipe.spec.name}", total) as more:
        yield more


def _write_split(folder: Path, split: str, part: Part, spec: Spec, digest: Digest, more: Callable[[int], None]) -> None:
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


def _columns(part: Part) -> Iterator[tuple[str, NDArray[Any]]]:
    yield "labels", np.ascontiguousarray(part.labels, dtype=np.int64)
    if part.factors is not None:
        yield "factors", np.ascontiguousarray(part.factors, dtype=np.float32)


def _checked(part: Part, spec: Spec) -> Iterator[NDArray[np.uint8]]:
    """The blocks of a part, each as promised, and as many images as labels."""
    count = 0
    for block in part.blocks():
        assert block.dtype == np.uint8, block.dtype
        assert block.shape[1:] == spec.shape, (block.shape, spec.shape)
        count += len(block)
        yield np.ascontiguousarray(block)
    assert count == len(part.labels), (count, len(part.labels))


def _without_cache(recipe: Recipe, error: OSError) -> Dataset:
    """Make the data set in memory: the cache cannot be written."""
    log.warning("data set %s is prepared anew each time: %s", recipe.spec.name, error)
    splits = {}
    with _counted(recipe) as more:
        for split, part in recipe.parts().items():
            images, start = np.empty((len(part.labels), *recipe.spec.shape), dtype=np.uint8), 0
            for block in _checked(part, recipe.spec):
                images[start : start + len(block)] = block
                start += len(block)
                more(len(block))
            columns = {name: torch.from_numpy(array) for name, array in _columns(part)}
            splits[split] = Data(recipe.spec, torch.from_numpy(images), **columns)
    return Dataset(recipe.spec, digest=dataset_digest(recipe.spec, splits), **splits)
