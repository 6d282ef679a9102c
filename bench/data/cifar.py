"""CIFAR-10 and CIFAR-100 from the published python archive, read within the archive by a restricted unpickler."""

import gzip
import io
import tarfile
from collections.abc import Collection, Iterator
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, ClassVar

import numpy as np
from numpy.typing import NDArray

from bench.api import Spec
from bench.data.builder import Arrays, DatasetBuilder, from_arrays
from bench.data.files import Published, parsing
from bench.data.source import FileSource
from bench.data.unpickle import unpickle
from bench.errors import BenchError

MEMBER_LIMIT = 2**28  # bytes; the largest published member has 155 MB
TOTAL_LIMIT = 2**29  # bytes of the whole archive, unpacked; the published ones have 186 MB


class _Bounded(io.RawIOBase):
    """A stream that raises an error after `TOTAL_LIMIT` bytes: a small archive may unpack without end."""

    def __init__(self, stream: BinaryIO, path: Path) -> None:
        self._stream, self._path, self._left = stream, path, TOTAL_LIMIT

    def read(self, size: int = -1) -> bytes:
        piece = self._stream.read(size)
        self._left -= len(piece)
        if self._left < 0:
            raise BenchError(f"{self._path} unpacks to more than the limit of {TOTAL_LIMIT} bytes")
        return piece


def read_members(path: Path, names: Collection[str]) -> Iterator[tuple[str, bytes]]:
    """Yield the base name and content of each file in a tar archive whose base name is in `names`.

    Raises `BenchError` for a broken archive.
    """
    seen = set[str]()
    with parsing(path, "tar archive"), gzip.open(path) as stream, _tar(stream, path) as archive:
        for member in archive:
            name = PurePosixPath(member.name).name
            if name not in names or not member.isfile():
                continue
            if name in seen:
                raise BenchError(f"{path} contains {name} twice")
            seen.add(name)
            if member.size > MEMBER_LIMIT:
                raise BenchError(
                    f"{path}: {member.name} has {member.size} bytes, more than the limit of {MEMBER_LIMIT}"
                )
            file = archive.extractfile(member)
            assert file is not None
            yield name, file.read()


def _tar(stream: Any, path: Path) -> tarfile.TarFile:
    return tarfile.open(fileobj=_Bounded(stream, path), mode="r|")


def read_batch(data: bytes, label_key: str, classes: int, name: str) -> Arrays:
    """One pickled batch: `data` uint8 (n, 3072), planes red, green, blue; labels a list."""
    batch = _text_keys(unpickle(data, name), name)
    images, labels = batch.get("data"), batch.get(label_key)
    if not (isinstance(images, np.ndarray) and images.dtype == np.uint8 and images.shape[1:] == (3072,)):
        raise BenchError(f"{name}: expected 'data' as uint8 of shape (n, 3072), got {_describe(images)}")
    if not (isinstance(labels, list) and all(type(label) is int for label in labels)):
        raise BenchError(f"{name}: expected {label_key!r} as a list of integers, got {_describe(labels)}")
    with parsing(name, "CIFAR batch"):
        column = np.array(labels, dtype=np.int64)
    if column.shape != images.shape[:1] or not len(column) or not (column.min() >= 0 and column.max() < classes):
        raise BenchError(f"{name}: expected {len(images)} {label_key!r} in 0..{classes - 1}, got {_labels(column)}")
    return Arrays(images.reshape(-1, 3, 32, 32), column)


def _labels(column: NDArray[np.int64]) -> str:
    return f"{len(column)} in {column.min()}..{column.max()}" if len(column) else "none"


def _text_keys(batch: Any, name: str) -> dict[str, Any]:
    if not (isinstance(batch, dict) and all(isinstance(key, str | bytes) for key in batch)):
        raise BenchError(f"{name}: expected a dict with string keys, got {_describe(batch)}")
    return {_text(key): value for key, value in batch.items()}


def _text(value: str | bytes) -> str:
    return value.decode("latin1") if isinstance(value, bytes) else value


def _describe(value: Any) -> str:
    return f"{value.dtype} of shape {value.shape}" if isinstance(value, np.ndarray) else type(value).__name__


class CifarSource(FileSource):
    """One tar.gz with pickled batches and a pickled list of class names."""

    train: ClassVar[tuple[str, ...]]
    test: ClassVar[tuple[str, ...]]
    meta: ClassVar[str]
    label_key: ClassVar[str]
    names_key: ClassVar[str]
    count: ClassVar[int]  # classes

    def builder(self, size: int | None) -> DatasetBuilder:
        path = self.path(self.files[0])
        batches: dict[str, Arrays] = {}
        classes: tuple[str, ...] = ()
        for member, data in read_members(path, {*self.train, *self.test, self.meta}):
            if member == self.meta:
                classes = self._classes(data, f"{path}:{member}")
            else:
                batches[member] = read_batch(data, self.label_key, self.count, f"{path}:{member}")
        lacking = [name for name in (*self.train, *self.test) if name not in batches]
        if lacking or not classes:
            raise BenchError(f"{path} does not contain {', '.join(lacking) or self.meta}")
        spec = Spec(self.name, 3, size or 32, classes)
        return from_arrays(spec, _join(batches, self.train), _join(batches, self.test))

    def _classes(self, data: bytes, name: str) -> tuple[str, ...]:
        found = _text_keys(unpickle(data, name), name).get(self.names_key)
        texts = [item for item in found if isinstance(item, str | bytes)] if isinstance(found, list) else []
        if not len(set(texts)) == len(texts) == self.count:
            raise BenchError(
                f"{name}: expected {self.names_key!r} as a list of {self.count} distinct names, got {_describe(found)}"
            )
        return tuple(map(_text, texts))


def _join(batches: dict[str, Arrays], names: tuple[str, ...]) -> Arrays:
    """Batches one after the other, released as they are joined."""
    parts = [batches.pop(name) for name in names]
    images: NDArray[np.uint8] = np.concatenate([part.images for part in parts])
    return Arrays(images, np.concatenate([part.labels for part in parts]))


class Cifar10(CifarSource):
    name = "cifar10"
    source = "Krizhevsky 2009, https://www.cs.toronto.edu/~kriz/cifar.html"
    judge_floor = 0.6
    files = (
        Published(
            "cifar-10-python.tar.gz",
            ("https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",),
            "sha256:6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
            170,
        ),
    )
    train, test = tuple(f"data_batch_{i}" for i in range(1, 6)), ("test_batch",)
    meta, label_key, names_key, count = "batches.meta", "labels", "label_names", 10


class Cifar100(CifarSource):
    name = "cifar100"
    source = "Krizhevsky 2009, https://www.cs.toronto.edu/~kriz/cifar.html"
    judge_floor = 0.3
    files = (
        Published(
            "cifar-100-python.tar.gz",
            ("https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz",),
            "sha256:85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7",
            169,
        ),
    )
    train, test = ("train",), ("test",)
    meta, label_key, names_key, count = "meta", "fine_labels", "fine_label_names", 100
