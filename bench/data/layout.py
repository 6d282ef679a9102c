"""From folders to splits and classes: which files of a folder or a zip belong to which."""

import hashlib
import logging
import re
import unicodedata
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from bench.data.archive import Archive
from bench.data.splits import CAP, FRACTION, holdout
from bench.errors import BenchError

logger = logging.getLogger("bench")
TEST_FRACTION = 0.2  # without a test/ folder
SPLIT_NAMES = {
    **dict.fromkeys(("train", "training", "trn", "trainval"), "train"),
    **dict.fromkeys(("test", "testing", "tst"), "test"),
    **dict.fromkeys(
        ("val", "valid", "validation", "validate", "dev", "development", "eval", "evaluation"), "validation"
    ),
}
ONLY_CLASS = ("images",)  # of a folder without class folders
THREADS = 4
TOLD = 10  # files that are named if several cannot be used
Digests = dict[str, str]  # of the pixels of each file
SUFFIXES = frozenset({
    ".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jif", ".jfif", ".webp", ".bmp", ".dib", ".gif", ".tif", ".tiff", ".ppm",
    ".pgm", ".pbm", ".pnm",
})  # fmt: skip


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


def lay_out(archive: Archive) -> Layout:
    """Sort files into splits and classes. Raises `BenchError` for a folder that is not laid out as documented."""
    top = _unwrap(archive)
    digests = _read_all(archive)
    children = _children(archive, top)
    splits = named_splits(archive.path, children)
    if "train" in splits and "test" not in splits and "validation" in splits:
        logger.warning(
            "%s has no test folder: %s is the test split, and validation images are held out of %s",
            archive.path, splits["validation"], splits["train"],
        )  # fmt: skip
        splits["test"] = splits.pop("validation")
    if "train" in splits and "test" in splits:
        return _published_splits(archive, digests, top, splits, children)
    if children and len(splits) == len(children):
        raise BenchError(f"{archive.path}: expected both train and test, or class folders, got {', '.join(children)}")
    _refuse_unknown_splits(archive, top, children)
    classes, everything = _classes_below(archive, top)
    held = _holdout(digests, everything, TEST_FRACTION, cap=None)
    return _with_validation(archive, digests, classes, everything[~held], everything[held])


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


def _published_splits(
    archive: Archive, digests: Digests, top: str, splits: dict[str, str], children: list[str]
) -> Layout:
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
    for split in ("validation", "test"):
        if split in found:
            _warn_of_shared_images(archive, digests, train, found[split][1], split)
    if "validation" not in found:
        return _with_validation(archive, digests, classes, train, found["test"][1])
    logger.info("%s: the images of %s are the validation split", archive.path, splits["validation"])
    return Layout(classes, train, found["validation"][1], found["test"][1])


def _with_validation(
    archive: Archive, digests: Digests, classes: tuple[str, ...], train: Listing, test: Listing
) -> Layout:
    held = _holdout(digests, train, FRACTION, CAP)
    kept = np.bincount(train.labels[~held], minlength=len(classes))
    for name, count in zip(classes, kept, strict=True):
        if not count:
            what = f"class {name!r} has too few images" if len(classes) > 1 else "expected more images"
            raise BenchError(
                f"{archive.path}: {what}: none is left for training after one for "
                "validation and, without a test folder, one for test (equal images count once)"
            )
    return Layout(classes, train[~held], train[held], test)


def _holdout(digests: Digests, listing: Listing, fraction: float, cap: int | None) -> NDArray[np.bool_]:
    """A mask of the images to hold out. It follows from their pixels, so that equal images stay together."""
    contents = [digests[file] for file in listing.files]
    first: dict[str, int] = {}
    for i, content in enumerate(contents):
        first.setdefault(content, i)
    unique = np.fromiter(first.values(), dtype=np.int64)
    keys = np.array([int(content[:16], 16) for content in first], dtype=np.uint64)
    held = holdout(listing.labels[unique], keys, fraction, cap)
    kept = {content for content, is_held in zip(first, held, strict=True) if is_held}
    return np.array([content in kept for content in contents], dtype=np.bool_)


def _warn_of_shared_images(archive: Archive, digests: Digests, train: Listing, other: Listing, name: str) -> None:
    """Warn of images of another split that are training images too."""
    known = {digests[file] for file in train.files}
    shared = sum(digests[file] in known for file in other.files)
    if shared:
        logger.warning(
            "%s: %d of %d %s images are training images too, so results on them measure memory as well",
            archive.path, shared, len(other.files), name,
        )  # fmt: skip


def _read_all(archive: Archive) -> Digests:
    """A digest of the decoded pixels of each file. Raises `BenchError` that names all files that are not images."""
    with ThreadPoolExecutor(THREADS) as pool:
        found = list(pool.map(lambda file: _digest_or_problem(archive, file), archive.files))
    problems = [problem for _, problem in found if problem]
    if len(problems) == 1:
        raise BenchError(problems[0])
    if problems:
        more = f"; and {len(problems) - TOLD:,} more" if len(problems) > TOLD else ""
        raise BenchError(f"{archive.path}: {len(problems):,} files cannot be used: {'; '.join(problems[:TOLD])}{more}")
    return {file: digest for file, (digest, _) in zip(archive.files, found, strict=True)}


def _digest_or_problem(archive: Archive, file: str) -> tuple[str, str]:
    from bench.data.images import content_digest

    if PurePosixPath(file).suffix.lower() not in SUFFIXES:
        return "", f"{archive.path / file} is not an image: expected a name that ends in {' '.join(sorted(SUFFIXES))}"
    try:
        return content_digest(archive.read(file), str(archive.path / file)), ""
    except BenchError as error:
        return "", str(error)


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
    classes = _in_order({unicodedata.normalize("NFC", name) for name in folders})  # two spellings are one class
    place = archive.path / top
    direct = any(_parent(file) == top for file in archive.files)
    if not classes and not direct:
        raise BenchError(f"{place}: expected images, or class folders, got none")
    if not classes:
        return _without_classes(archive, top)
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
    files = sorted(found, key=_order)
    return classes, Listing(files, np.array([found[file] for file in files], dtype=np.int64))


def _without_classes(archive: Archive, top: str) -> tuple[tuple[str, ...], Listing]:
    """The images that lie directly in `top`, all of one class."""
    files = sorted((file for file in archive.files if _parent(file) == top), key=_order)
    return ONLY_CLASS, Listing(files, np.zeros(len(files), dtype=np.int64))


def _in_order(names: set[str]) -> tuple[str, ...]:
    """By number if all are numbers, so that label i is not that of another folder; else by name."""
    numbers = all(name.isascii() and name.isdigit() for name in names)
    return tuple(sorted(names, key=lambda name: (int(name), name) if numbers else (0, name)))


def _children(archive: Archive, top: str) -> list[str]:
    return [folder.rpartition("/")[2] for folder in archive.folders if _parent(folder) == top]


def _parent(path: str) -> str:
    return path.rpartition("/")[0]


def _join(top: str, name: str) -> str:
    return f"{top}/{name}" if top else name


def _order(file: str) -> tuple[int, str]:
    """Where a file comes in its split: by a number that follows from the last two parts of its path and mixes the classes."""
    name = unicodedata.normalize("NFC", "/".join(file.split("/")[-2:]))
    number = int.from_bytes(hashlib.sha256(name.encode(errors="surrogateescape")).digest()[:8])
    return number, unicodedata.normalize("NFC", file)
