"""Images of one's own: a folder or a zip of images or of class folders, optionally below train/ and test/."""

import hashlib
import math
import os
import re
import unicodedata
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.api import DataState, Spec
from bench.data.archive import Archive, archive_fingerprint, open_archive
from bench.data.builder import Blocks, DatasetBuilder, SplitBuilder
from bench.data.files import Published, advice, find
from bench.data.layout import Listing, lay_out
from bench.data.source import Source
from bench.errors import BenchError
from bench.util.paths import expanded, split_range

SIZES = (28, 32, 64, 128, 256)  # pixels; the native size is the largest not above the median smaller side
BATCH, BATCH_BYTES = 256, 2**25  # images, and bytes, that one thread decodes at a time
THREADS = 4


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


def require_range(archive: Archive) -> None:
    """Raise `BenchError` if the folder has images of 16 bits and none of them uses the highest two: they would be dark."""
    from bench.data.images import WIDE, highest_value

    with ThreadPoolExecutor(THREADS) as pool:
        found = pool.map(lambda file: highest_value(archive.read(file), str(archive.path / file)), archive.files)
        values = [value for value in found if value is not None]
    if values and max(values) <= WIDE[1] // 4:
        highest = max(values)
        raise BenchError(
            f"{archive.path}: the images of 16 bits have values up to {highest:,} of {WIDE[1]:,}; say which are black and "
            f"white, e.g. folder:{archive.path}:range=0-{2 ** highest.bit_length() - 1}"
        )


def decode_blocks(archive: Archive, files: Sequence[str], spec: Spec, levels: tuple[int, int] = (0, 65535)) -> Blocks:
    """Decode `files` in order: uint8 (b, c, h, w) at a time, several batches in parallel."""
    from bench.data.images import decode

    count = max(1, min(BATCH, BATCH_BYTES // math.prod(spec.shape)))

    def batch(start: int) -> NDArray[np.uint8]:
        names = files[start : start + count]
        return np.stack(
            [decode(archive.read(name), str(archive.path / name), spec.channels, spec.size, levels) for name in names]
        )

    starts = range(0, len(files), count)
    with ThreadPoolExecutor(THREADS) as pool:
        for first in range(0, len(starts), THREADS):  # bounded: `map` over all would decode everything at once
            yield from pool.map(batch, starts[first : first + THREADS])


class FolderSource(Source):
    """Images below a folder or in a zip."""

    version = 2  # splits follow the content of the images

    @property
    def where(self) -> Path:
        """The path of the folder or zip. Raises `BenchError` if it is missing."""
        raise NotImplementedError

    @property
    def levels(self) -> tuple[int, int] | None:
        """The values of 16-bit images that are black and white, if given."""
        return None

    def reads(self) -> tuple[Path, ...] | None:
        return (
            (self.where,) if os.path.isfile(self.where) else None
        )  # the date of a folder does not change with the files below it

    def fingerprint(self) -> str:
        return archive_fingerprint(self.where)

    def builder(self, size: int | None) -> DatasetBuilder:
        from bench.data.images import WIDE

        archive = open_archive(self.where)
        layout = lay_out(archive)
        channels, native = image_format(archive)
        if self.levels is None:
            require_range(archive)
        levels = self.levels or WIDE
        spec = Spec(self.spec_name, channels, size or native, layout.classes)

        def part(listing: Listing) -> SplitBuilder:
            return SplitBuilder(listing.labels, lambda: decode_blocks(archive, listing.files, spec, levels))

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
    argument_meaning = "the path of a folder or a zip of images or of class folders"

    def state(self) -> DataState:
        if not self.argument:
            return DataState("missing", f"folder:PATH, where PATH is {self.argument_meaning}")
        exists = os.path.exists(self.where)
        return DataState("ready") if exists else DataState("missing", f"no such folder or zip file: {self.argument}")

    @property
    def where(self) -> Path:
        if not self.argument:
            raise BenchError(f"data set 'folder' needs {self.argument_meaning}: folder:PATH")
        return expanded(split_range(self.argument)[0])

    @property
    def levels(self) -> tuple[int, int] | None:
        levels = split_range(self.argument)[1]
        if levels and not levels[0] < levels[1] <= 65535:
            raise BenchError(f"folder: expected a range such as 0-4095 within 0-65535, got {levels[0]}-{levels[1]}")
        return levels

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
