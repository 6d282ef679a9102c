"""CelebA: the aligned faces with their 40 attributes, one of which is the class."""

from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from bench.api import Factor, Spec
from bench.data.archive import ZipArchive
from bench.data.builder import DatasetBuilder, SplitBuilder
from bench.data.files import Published, fingerprint, parsing
from bench.data.folder import decode_blocks
from bench.data.source import FileSource
from bench.errors import BenchError, nearest

PAGE = "https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html"
DEFAULT_ATTRIBUTE = "Smiling"
SIZE = 64  # pixels, of the 178 x 178 centre of the aligned 178 x 218
STARTS = (162_771, 182_638)  # the published partition: numbers of the first validation and the first test image


def read_attributes(path: Path) -> tuple[list[str], list[str], NDArray[np.int64]]:
    """Attribute names, file names, and values 0 or 1, shape (n, a)."""
    with parsing(path, "CelebA attribute list"):
        lines = path.read_text(encoding="utf-8").splitlines()
        count, names = int(lines[0]), lines[1].split()
        rows = [line.split() for line in lines[2:] if line.strip()]
        values = np.array([row[1:] for row in rows], dtype=np.int64)
    if values.shape != (count, len(names)):
        raise BenchError(f"{path}: expected {count} rows of {len(names)} attributes, got {values.shape}")
    if not np.isin(values, (-1, 1)).all():
        raise BenchError(f"{path}: expected attributes of -1 or 1, got {values.min()} to {values.max()}")
    return names, [row[0] for row in rows], (values > 0).astype(np.int64)


def read_partition(path: Path, files: list[str]) -> NDArray[np.int64]:
    """0 (train), 1 (validation) or 2 (test) for each of `files`."""
    with parsing(path, "CelebA partition list"):
        table = dict(line.split() for line in path.read_text(encoding="utf-8").splitlines() if line.strip())
    lacking = next((file for file in files if file not in table), None)
    if lacking is not None:
        raise BenchError(f"{path} has no entry for {lacking}")
    with parsing(path, "CelebA partition list"):
        splits = np.array([int(table[file]) for file in files], dtype=np.int64)
    if not np.isin(splits, (0, 1, 2)).all():
        raise BenchError(f"{path}: expected 0, 1 or 2 for each image, got {splits.min()} to {splits.max()}")
    return splits


def published_partition(files: list[str]) -> NDArray[np.int64]:
    """The same, computed from the numbers in the file names."""
    with parsing("list_attr_celeba.txt", "CelebA attribute list"):
        return np.searchsorted(STARTS, [int(Path(file).stem) for file in files], side="right").astype(np.int64)


class CelebA(FileSource):
    """`celeba` or `celeba:ATTRIBUTE`: the classes are without and with the attribute, the factors are all of them."""

    name = "celeba"
    source = "arXiv 1411.7766 (non-commercial research only)"
    judge_floor = 0.85
    argument_meaning = "an attribute"
    files = (  # the digests are those that torchvision checks
        Published("img_align_celeba.zip", (), "md5:00d2c5bc6d35e252742224ab0c1e8fcb", page=PAGE),
        Published("list_attr_celeba.txt", (), "md5:75e246fa4810816ffd6ee81facbd244c", page=PAGE),
    )
    partition: ClassVar = Published(  # optional: the file names imply it
        "list_eval_partition.txt", (), "md5:d32c9cbf5e040fd4025c592c306e6668", page=PAGE
    )

    @property
    def spec_name(self) -> str:
        return f"{self.name}-{self.argument.lower()}" if self.argument else self.name

    def fingerprint(self) -> str:
        return super().fingerprint() + (fingerprint(self.path(self.partition)) if self.find(self.partition) else "")

    def builder(self, size: int | None) -> DatasetBuilder:
        names, files, values = read_attributes(self.path(self.files[1]))
        attribute = self._attribute(names)
        classes = (f"not-{attribute}".lower(), attribute.lower())
        factors = tuple(Factor(name, "categorical", 0, 1, 2) for name in names)
        spec = Spec(self.spec_name, 3, size or SIZE, classes, factors)
        archive = ZipArchive(self.path(self.files[0]))
        held = set(archive.files)
        paths = [path if (path := f"img_align_celeba/{file}") in held else file for file in files]
        splits = self._splits(files)

        def part(split: int) -> SplitBuilder:
            index = np.flatnonzero(splits == split)
            chosen = [paths[i] for i in index]
            labels, factors = values[index, names.index(attribute)], values[index].astype(np.float32)
            return SplitBuilder(labels, lambda: decode_blocks(archive, chosen, spec), factors)

        return DatasetBuilder(spec, part(0), part(1), part(2))

    def _attribute(self, names: list[str]) -> str:
        attribute = self.argument or DEFAULT_ATTRIBUTE
        for name in names:
            if name.lower() == attribute.lower():
                return name
        raise BenchError(f"unknown attribute {attribute!r} of celeba: {nearest(attribute, names)}")

    def _splits(self, files: list[str]) -> NDArray[np.int64]:
        found = self.find(self.partition)
        return read_partition(self.path(self.partition), files) if found else published_partition(files)
