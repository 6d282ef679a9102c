"""Images of one's own: a folder or a zip of class folders, optionally below train/ and test/."""

import hashlib
import logging
import math
import os
import re
import unicodedata
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from bench.api import DataState, Spec
from bench.data.archive import Archive, archive_fingerprint, open_archive
from bench.data.builder import Blocks, DatasetBuilder, SplitBuilder
from bench.data.files import Published, advice, find
from bench.data.source import Source
from bench.data.splits import CAP, FRACTION, holdout
from bench.errors import BenchError
from bench.util.paths import expanded

log = logging.getLogger(__name__)
SIZES = (28, 32, 64, 128, 256)  # pixels; the native size is the largest not above the median smaller side
TEST_FRACTION = 0.2  # without a test/ folder
SPLIT_NAMES = {
    **dict.fromkeys(("train", "training", "trn", "trainval"), "train"),
    **dict.fromkeys(("test", "testing", "tst"), "test"),
    **dict.fromkeys(("val", "valid", "validation", "validate", "dev", "development"), "validation"),
}
BATCH, BATCH_BYTES = 256, 2**25  # images, and bytes, that one thread decodes at a time
THREADS = 4
SUFFIXES = frozenset(
    {
        ".png",
        ".jpg",
        ".jpeg",
        ".jfif",
        ".jpe",
        ".jif",
        ".apng",
        ".dib",
        ".pnm",
        ".bmp",
        ".gif",
        ".tif",
        ".tiff",
        ".webp",
        ".ppm",
        ".pgm",
        ".pbm",
    }
)


@dataclass(frozen=True)
class Listing:
    """The files of one split, in order, with their classes."""

    files: list[str]
    labels: NDArray[np.int64]

    def __getitem__(self, mask: NDArray[np.bool_]) -> "Listing":
        return Listing([self.files[i] for i in np.flatnonzero(mask)], self.labels[mask])


@dataclass(frozen=True)
class Layout:
    """The classes, and the files of each split, as the folders define them."""

    classes: tuple[str, ...]
    train: Listing
    validation: Listing
    test: Listing


# From folders to splits


def lay_out(archive: Archive) -> Layout:
    """Sort files into splits and classes. Raises `BenchError` for a folder that is not laid out as documented."""
    top = _unwrap(archive)
    _check_images(archive)
    children = _children(archive, top)
    splits = named_splits(archive.path, children)
    if "train" in splits and "test" not in splits and "validation" in splits:
        log.warning(
            "%s has no test folder: %s is the test split, and validation images are held out of %s",
            archive.path, splits["validation"], splits["train"],
        )  # fmt: skip
        splits["test"] = splits.pop("validation")
    if "train" in splits and "test" in splits:
        return _published_splits(archive, top, splits, children)
    if children and len(splits) == len(children):
        raise BenchError(f"{archive.path}: expected both train and test, or class folders, got {', '.join(children)}")
    _refuse_unknown_splits(archive, top, children)
    classes, everything = _classes_below(archive, top)
    held = _holdout(archive, everything, TEST_FRACTION, cap=None)
    return _with_validation(archive, classes, everything[~held], everything[held])


def named_splits(path: Path, children: Sequence[str]) -> dict[str, str]:
    """The folders that are splits, by `train`, `validation` or `test`. Raises `BenchError` if two are the same split."""
    found: dict[str, str] = {}
    for child in children:
        split = SPLIT_NAMES.get(_split_stem(child))
        if split and split in found:
            raise BenchError(f"{path}: expected one folder of {split} images, got {found[split]} and {child}")
        if split:
            found[split] = child
    return found


def _split_stem(name: str) -> str:
    """`Training_Set`, `train-images` and `trainset` as `training`, `train` and `train`."""
    plain = re.sub(r"[\W_]+", "", name.casefold())
    return re.sub(r"(?<=.)(set|split|data|dataset|images|folder)$", "", plain)


def _refuse_unknown_splits(archive: Archive, top: str, children: list[str]) -> None:
    """Raises `BenchError` if all folders hold the same two or more folders: they are splits rather than classes."""
    below = [
        {unicodedata.normalize("NFC", name) for name in _children(archive, _join(top, child))} for child in children
    ]
    if len(below) < 2 or len(below[0]) < 2 or any(names != below[0] for names in below):
        return
    if any(_parent(file) == _join(top, child) for child in children for file in archive.files):
        return
    raise BenchError(
        f"{archive.path}: expected class folders, or train and test, but {' and '.join(children)} hold the same "
        f"folders ({', '.join(sorted(below[0]))}): call them train and test"
    )


def _published_splits(archive: Archive, top: str, splits: dict[str, str], children: list[str]) -> Layout:
    if len(splits) < len(children):
        others = ", ".join(child for child in children if child not in splits.values())
        raise BenchError(f"{archive.path}: expected nothing but train and test (and validation), got also {others}")
    found = {name: _classes_below(archive, _join(top, child)) for name, child in splits.items()}
    classes, train = found["train"]
    for name, (names, _) in found.items():
        if names != classes:
            wrong = ", ".join(sorted(set(names) ^ set(classes)))
            raise BenchError(
                f"{archive.path}: expected the same classes in train and {name}, got only in one of them: {wrong}"
            )
    _tell_shared(archive, train, found["test"][1])
    if "validation" not in found:
        return _with_validation(archive, classes, train, found["test"][1])
    log.info("%s: the images of %s are the validation split", archive.path, splits["validation"])
    return Layout(classes, train, found["validation"][1], found["test"][1])


def _with_validation(archive: Archive, classes: tuple[str, ...], train: Listing, test: Listing) -> Layout:
    held = _holdout(archive, train, FRACTION, CAP)
    kept = np.bincount(train.labels[~held], minlength=len(classes))
    for name, count in zip(classes, kept, strict=True):
        if not count:
            raise BenchError(
                f"{archive.path}: class {name!r} has too few images: none is left for training after one for "
                "validation and, without a test folder, one for test (equal images count once)"
            )
    return Layout(classes, train[~held], train[held], test)


def _holdout(archive: Archive, listing: Listing, fraction: float, cap: int | None) -> NDArray[np.bool_]:
    """A mask of the images to hold out. It follows from their pixels, so that equal images stay together."""
    contents = _contents(archive, listing.files)
    first: dict[str, int] = {}
    for i, content in enumerate(contents):
        first.setdefault(content, i)
    unique = np.fromiter(first.values(), dtype=np.int64)
    keys = np.array([int(content[:16], 16) for content in first], dtype=np.uint64)
    held = holdout(listing.labels[unique], keys, fraction, cap)
    kept = {content for content, is_held in zip(first, held, strict=True) if is_held}
    return np.array([content in kept for content in contents], dtype=np.bool_)


def _tell_shared(archive: Archive, train: Listing, test: Listing) -> None:
    """Warn of test images that are training images too."""
    known = set(_contents(archive, train.files))
    shared = sum(content in known for content in _contents(archive, test.files))
    if shared:
        log.warning(
            "%s: %d of %d test images are training images too, so results on them measure memory as well",
            archive.path, shared, len(test.files),
        )  # fmt: skip


def _contents(archive: Archive, files: Sequence[str]) -> list[str]:
    """A digest of the decoded pixels of each file."""
    from bench.data.images import content_digest

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(lambda file: content_digest(archive.read(file), str(archive.path / file)), files))


def _unwrap(archive: Archive) -> str:
    """The folder that contains the classes or the splits, below any folder that contains only one folder."""
    top = ""
    while True:
        children = _children(archive, top)
        files = [file for file in archive.files if _parent(file) == top]
        if len(children) != 1 or files or SPLIT_NAMES.get(_split_stem(children[0])) in ("train", "test"):
            return top
        inner = _join(top, children[0])
        if not _children(archive, inner) or any(_parent(file) == inner for file in archive.files):
            return top
        top = inner


def _classes_below(archive: Archive, top: str) -> tuple[tuple[str, ...], Listing]:
    """Class folders below `top`, and the files in them, in an order that mixes the classes."""
    folders = _children(archive, top)
    classes = tuple(sorted({unicodedata.normalize("NFC", name) for name in folders}))  # two spellings are one class
    place = archive.path / top
    if len(classes) < 2:
        raise BenchError(f"{place}: expected at least two class folders, got {', '.join(classes) or 'none'}")
    labels = {_join(top, name): classes.index(unicodedata.normalize("NFC", name)) for name in folders}
    depth = len(top.split("/")) if top else 0
    found: dict[str, int] = {}
    for file in archive.files:
        parts = file.split("/")
        if "/".join(parts[:depth]) != top:
            continue
        if len(parts) == depth + 1:
            raise BenchError(f"{archive.path / file} is not in a class folder")
        found[file] = labels["/".join(parts[: depth + 1])]
    counts = np.bincount(list(found.values()), minlength=len(classes))
    for name, count in zip(classes, counts, strict=True):
        if not count:
            raise BenchError(f"class folder {place / name} is empty")
    files = sorted(found, key=_key)
    return classes, Listing(files, np.array([found[file] for file in files], dtype=np.int64))


def _check_images(archive: Archive) -> None:
    for file in archive.files:
        if PurePosixPath(file).suffix.lower() not in SUFFIXES:
            raise BenchError(
                f"{archive.path / file} is not an image: expected a name that ends in {' '.join(sorted(SUFFIXES))}"
            )


def _children(archive: Archive, top: str) -> list[str]:
    return [folder.rpartition("/")[2] for folder in archive.folders if _parent(folder) == top]


def _parent(path: str) -> str:
    return path.rpartition("/")[0]


def _join(top: str, name: str) -> str:
    return f"{top}/{name}" if top else name


def _key(file: str) -> int:
    """A number derived from the last two parts of a path, in an order that mixes the classes."""
    name = unicodedata.normalize("NFC", "/".join(file.split("/")[-2:]))
    return int.from_bytes(hashlib.sha256(name.encode(errors="surrogateescape")).digest()[:8])


# From files to arrays


def image_format(archive: Archive) -> tuple[int, int]:
    """The number of channels and the native size in pixels, from the headers of all images."""
    from bench.data.images import read_header

    gray, sides = True, []
    for file in archive.files:
        is_gray, side = read_header(archive.read(file), str(archive.path / file))
        gray = gray and is_gray
        sides.append(side)
    median = sorted(sides)[(len(sides) - 1) // 2]
    fitting = [size for size in SIZES if size <= median]
    return (1 if gray else 3), (fitting or SIZES)[-1 if fitting else 0]


def decode_blocks(archive: Archive, files: Sequence[str], spec: Spec) -> Blocks:
    """Decode `files` in order: uint8 (b, c, h, w) at a time, several batches in parallel."""
    from bench.data.images import decode

    count = max(1, min(BATCH, BATCH_BYTES // math.prod(spec.shape)))

    def batch(start: int) -> NDArray[np.uint8]:
        names = files[start : start + count]
        return np.stack(
            [decode(archive.read(name), str(archive.path / name), spec.channels, spec.size) for name in names]
        )

    starts = range(0, len(files), count)
    with ThreadPoolExecutor(THREADS) as pool:
        for first in range(0, len(starts), THREADS):  # bounded: `map` over all would decode everything at once
            yield from pool.map(batch, starts[first : first + THREADS])


class FolderSource(Source):
    """Images below a folder or in a zip."""

    @property
    def where(self) -> Path:
        """The path of the folder or zip. Raises `BenchError` if it is missing."""
        raise NotImplementedError

    def reads(self) -> tuple[Path, ...] | None:
        return (
            (self.where,) if os.path.isfile(self.where) else None
        )  # the date of a folder does not change with the files below it

    def fingerprint(self) -> str:
        return archive_fingerprint(self.where)

    def builder(self, size: int | None) -> DatasetBuilder:
        archive = open_archive(self.where)
        layout = lay_out(archive)
        channels, native = image_format(archive)
        spec = Spec(self.spec_name, channels, size or native, layout.classes)

        def part(listing: Listing) -> SplitBuilder:
            return SplitBuilder(listing.labels, lambda: decode_blocks(archive, listing.files, spec))

        return DatasetBuilder(spec, part(layout.train), part(layout.validation), part(layout.test))


def slug(name: str) -> str:
    """A name in lower case, with one hyphen for all between its letters and digits, which may be of any script.

    A name without letters, digits and pictographs becomes a digest, so that it is never empty.
    """
    text = unicodedata.normalize("NFC", name.lower())
    plain = "".join(char if _is_kept(unicodedata.category(char)) else "-" for char in text)
    return re.sub("-+", "-", plain).strip("-") or hashlib.sha256(name.encode(errors="surrogateescape")).hexdigest()[:8]


def _is_kept(category: str) -> bool:
    """Whether this Unicode category holds letters, marks, digits or pictographs."""
    return category[0] in "LMN" or category == "So"


class Folder(FolderSource):
    """`folder:PATH`. Its name on boards is `folder-` followed by the last part of the path, as a `slug`."""

    name = "folder"
    source = "images of your own"
    argument_meaning = "the path of a folder or a zip of class folders"

    def state(self) -> DataState:
        if not self.argument:
            return DataState("missing", f"folder:PATH, where PATH is {self.argument_meaning}")
        exists = os.path.exists(self.where)
        return DataState("ready") if exists else DataState("missing", f"no such folder or zip file: {self.argument}")

    @property
    def where(self) -> Path:
        if not self.argument:
            raise BenchError(f"data set 'folder' needs {self.argument_meaning}: folder:PATH")
        return expanded(self.argument)

    @property
    def spec_name(self) -> str:
        path = Path(os.path.realpath(self.where))
        is_file = os.path.isfile(path) or (path.suffix.lower() == ".zip" and not os.path.isdir(path))
        return f"folder-{slug(path.stem if is_file else path.name)}"


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
            raise BenchError(f"data set {self.name!r} needs a file that was not found: {advice(self.file, self.name)}")
        return found
