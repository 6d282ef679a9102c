"""Anyone's images: a folder, or a zip, of class folders, with or without train/ and test/ above them."""

import hashlib
import math
import os
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from bench.api import DataState, Spec
from bench.data.files import Published, advice, find
from bench.data.recipe import Blocks, Part, Recipe
from bench.data.source import Source
from bench.data.splits import CAP, FRACTION, holdout
from bench.data.tree import Tree, open_tree, tree_fingerprint
from bench.errors import BenchError
from bench.util.paths import expanded

SIZES = (28, 32, 64, 128, 256)  # pixels; the native size is the largest not above the median smaller side
TEST_FRACTION = 0.2  # where there is no test/
VALIDATION_NAMES = ("validation", "valid", "val")
BATCH, BATCH_BYTES = 256, 2**25  # images decoded by one thread at a time, and the most they may take
THREADS = 4
SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".ppm", ".pgm", ".pbm"})


@dataclass(frozen=True)
class Listing:
    """The files of one split, in order, with their classes."""

    files: list[str]
    labels: NDArray[np.int64]

    def __getitem__(self, mask: NDArray[np.bool_]) -> "Listing":
        return Listing([self.files[i] for i in np.flatnonzero(mask)], self.labels[mask])


@dataclass(frozen=True)
class Layout:
    """What the folders say: the classes, and the files of each split."""

    classes: tuple[str, ...]
    train: Listing
    validation: Listing
    test: Listing


# From folders to splits.


def lay_out(tree: Tree) -> Layout:
    """Sort files into splits and classes. Raises `BenchError` for a folder that is not laid out as documented."""
    top = _unwrap(tree)
    _check_images(tree)
    children = _children(tree, top)
    splits = {child.lower(): child for child in children if child.lower() in ("train", "test", *VALIDATION_NAMES)}
    if "train" in splits and "test" in splits:
        return _published_splits(tree, top, splits, children)
    if children and len(splits) == len(children):
        raise BenchError(f"{tree.path} holds {', '.join(children)} but wants both train and test, or class folders")
    classes, everything = _classes_below(tree, top)
    keys = _keys(everything.files)
    held = holdout(everything.labels, keys, TEST_FRACTION, cap=None)
    return _with_validation(tree, classes, everything[~held], everything[held])


def _published_splits(tree: Tree, top: str, splits: dict[str, str], children: list[str]) -> Layout:
    if len(splits) < len(children):
        others = ", ".join(child for child in children if child not in splits.values())
        raise BenchError(f"{tree.path} holds train and test, and beside them {others}")
    found = {name: _classes_below(tree, _join(top, child)) for name, child in splits.items()}
    classes, train = found["train"]
    for name, (names, _) in found.items():
        if names != classes:
            wrong = ", ".join(sorted(set(names) ^ set(classes)))
            raise BenchError(f"{tree.path} must hold the same classes in train and {name}, they differ in {wrong}")
    validation = [found[name][1] for name in VALIDATION_NAMES if name in found]
    if not validation:
        return _with_validation(tree, classes, train, found["test"][1])
    return Layout(classes, train, validation[0], found["test"][1])


def _with_validation(tree: Tree, classes: tuple[str, ...], train: Listing, test: Listing) -> Layout:
    held = holdout(train.labels, _keys(train.files), FRACTION, CAP)
    kept = np.bincount(train.labels[~held], minlength=len(classes))
    for name, count in zip(classes, kept, strict=True):
        if not count:
            raise BenchError(
                f"{tree.path} holds too few images of class {name!r}: none is left to train on after "
                "one for validation and, where there is no test folder, one for test"
            )
    return Layout(classes, train[~held], train[held], test)


def _unwrap(tree: Tree) -> str:
    """The folder that holds the classes or the splits: a single folder of nothing but folders is a wrapping."""
    top = ""
    while True:
        children = _children(tree, top)
        files = [file for file in tree.files if _parent(file) == top]
        if len(children) != 1 or files or children[0].lower() in ("train", "test"):
            return top
        inner = _join(top, children[0])
        if not _children(tree, inner) or any(_parent(file) == inner for file in tree.files):
            return top
        top = inner


def _classes_below(tree: Tree, top: str) -> tuple[tuple[str, ...], Listing]:
    """Class folders below `top`, and the files in them, in an order that mixes the classes."""
    classes = tuple(_children(tree, top))
    place = tree.path / top
    if len(classes) < 2:
        raise BenchError(f"{place} must hold at least two class folders, got {', '.join(classes) or 'none'}")
    labels = {_join(top, name): label for label, name in enumerate(classes)}
    depth = len(top.split("/")) if top else 0
    found: dict[str, int] = {}
    for file in tree.files:
        parts = file.split("/")
        if "/".join(parts[:depth]) != top:
            continue
        if len(parts) == depth + 1:
            raise BenchError(f"{tree.path / file} lies beside the class folders, not in one")
        found[file] = labels["/".join(parts[: depth + 1])]
    counts = np.bincount(list(found.values()), minlength=len(classes))
    for name, count in zip(classes, counts, strict=True):
        if not count:
            raise BenchError(f"class folder {place / name} is empty")
    files = sorted(found, key=_key)
    return classes, Listing(files, np.array([found[file] for file in files], dtype=np.int64))


def _check_images(tree: Tree) -> None:
    for file in tree.files:
        if PurePosixPath(file).suffix.lower() not in SUFFIXES:
            raise BenchError(
                f"{tree.path / file} is not an image: its name ends in none of {' '.join(sorted(SUFFIXES))}"
            )


def _children(tree: Tree, top: str) -> list[str]:
    return [folder.rpartition("/")[2] for folder in tree.folders if _parent(folder) == top]


def _parent(path: str) -> str:
    return path.rpartition("/")[0]


def _join(top: str, name: str) -> str:
    return f"{top}/{name}" if top else name


def _key(file: str) -> int:
    """A number that follows from the last two names of a path: where an image goes does not depend on the others."""
    return int.from_bytes(hashlib.sha256("/".join(file.split("/")[-2:]).encode(errors="surrogateescape")).digest()[:8])


def _keys(files: Sequence[str]) -> NDArray[np.uint64]:
    return np.array([_key(file) for file in files], dtype=np.uint64)


# From files to arrays.


def survey(tree: Tree) -> tuple[int, int]:
    """Channels and native size, from the headers of all images."""
    from bench.data.pictures import glance

    gray, sides = True, []
    for file in tree.files:
        is_gray, side = glance(tree.read(file), str(tree.path / file))
        gray = gray and is_gray
        sides.append(side)
    median = sorted(sides)[(len(sides) - 1) // 2]
    fitting = [size for size in SIZES if size <= median]
    return (1 if gray else 3), (fitting or SIZES)[-1 if fitting else 0]


def decode_blocks(tree: Tree, files: Sequence[str], spec: Spec) -> Blocks:
    """Decode `files` in order, several batches at a time."""
    from bench.data.pictures import decode

    count = max(1, min(BATCH, BATCH_BYTES // math.prod(spec.shape)))

    def batch(start: int) -> NDArray[np.uint8]:
        names = files[start : start + count]
        return np.stack([decode(tree.read(name), str(tree.path / name), spec.channels, spec.size) for name in names])

    starts = range(0, len(files), count)
    with ThreadPoolExecutor(THREADS) as pool:
        for first in range(0, len(starts), THREADS):  # bounded: `map` over all would decode everything at once
            yield from pool.map(batch, starts[first : first + THREADS])


class FolderSource(Source):
    """Images below a folder or in a zip."""

    @property
    def where(self) -> Path:
        """Raises `BenchError` where there is nothing."""
        raise NotImplementedError

    @property
    def spec_name(self) -> str:
        return self.name

    def reads(self) -> tuple[Path, ...] | None:
        return (self.where,) if os.path.isfile(self.where) else None  # a folder's date says nothing of the files below

    def fingerprint(self) -> str:
        return tree_fingerprint(self.where)

    def recipe(self, size: int | None) -> Recipe:
        tree = open_tree(self.where)
        layout = lay_out(tree)
        channels, native = survey(tree)
        spec = Spec(self.spec_name, channels, size or native, layout.classes)

        def part(listing: Listing) -> Part:
            return Part(listing.labels, lambda: decode_blocks(tree, listing.files, spec))

        return Recipe(spec, part(layout.train), part(layout.validation), part(layout.test))


class Folder(FolderSource):
    """`folder:PATH`. Its name on boards is folder- and the last part of the path."""

    name = "folder"
    source = "images of your own"
    argument_meaning = "the path of a folder or a zip of class folders"

    def state(self) -> DataState:
        if not self.argument:
            return DataState("missing", f"folder:PATH, where PATH is {self.argument_meaning}")
        exists = os.path.exists(self.where)
        return DataState("ready") if exists else DataState("missing", f"there is no folder or zip file {self.argument}")

    @property
    def where(self) -> Path:
        if not self.argument:
            raise BenchError(f"data set 'folder' needs {self.argument_meaning}: folder:PATH")
        return expanded(self.argument)

    @property
    def spec_name(self) -> str:
        path = self.where.resolve()
        name = path.stem if os.path.isfile(path) else path.name
        return "folder-" + (re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-"))


class Cifar10Jpeg(FolderSource):
    name = "cifar10-jpeg"
    source = "JPEG copies of CIFAR-10 (Krizhevsky 2009): lossy, not comparable with cifar10"
    file = Published("cifar10-jpeg.zip", page="whoever made these copies (train/<class>/*.jpg, test/<class>/*.jpg)")

    def state(self) -> DataState:
        found = find(self.file, self.name, (), self.root)
        return DataState("ready") if found else DataState("missing", advice(self.file, self.name))

    @property
    def where(self) -> Path:
        found = find(self.file, self.name, (), self.root)
        if found is None:
            raise BenchError(f"data set {self.name!r} needs a file that is not here: {advice(self.file, self.name)}")
        return found
