"""MNIST and the data sets in its format, IDX (http://yann.lecun.com/exdb/mnist), compressed with gzip or not."""

import gzip
import math
import struct
from pathlib import Path
from typing import BinaryIO, ClassVar

import numpy as np
from numpy.typing import NDArray

from bench.api import Spec
from bench.data.builder import Arrays, DatasetBuilder, from_arrays
from bench.data.files import Published, parsing
from bench.data.source import FileSource
from bench.errors import BenchError

UNSIGNED_BYTE = 0x08  # the only element type these data sets use
LIMIT = 2**31  # bytes
FILES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")


def parse_idx(stream: BinaryIO, name: str) -> NDArray[np.uint8]:
    """Read one IDX array of unsigned bytes. Raises `BenchError` unless the content has the size that the header states."""
    header = stream.read(4)
    if len(header) < 4 or header[:2] != b"\0\0" or not 1 <= header[3] <= 4:
        raise BenchError(f"{name} is not an IDX file: it starts with {header.hex(' ') or 'nothing'}")
    if header[2] != UNSIGNED_BYTE:
        raise BenchError(f"{name}: expected IDX elements of type 0x08 (unsigned bytes), got type 0x{header[2]:02x}")
    lengths = stream.read(4 * header[3])
    if len(lengths) < 4 * header[3]:
        raise BenchError(f"{name} is truncated within its header")
    shape = struct.unpack(f">{header[3]}I", lengths)
    size = math.prod(shape)
    if size > LIMIT:
        raise BenchError(f"{name}: its header states {size} bytes of content, more than the limit of {LIMIT}")
    content = _read(stream, size)
    if len(content) < size:
        raise BenchError(f"{name} is truncated: expected {size} bytes of content, got {len(content)}")
    if stream.read(1):
        raise BenchError(f"{name}: expected {size} bytes of content, got more")
    return np.frombuffer(content, dtype=np.uint8).reshape(shape)


def _read(stream: BinaryIO, size: int) -> bytearray:
    """Up to `size` bytes. Memory is allocated as they arrive, whatever size the header states."""
    content = bytearray()
    while len(content) < size and (piece := stream.read(min(size - len(content), 2**24))):
        content += piece
    return content


def read_idx(path: Path) -> NDArray[np.uint8]:
    """Read one IDX file; gzip is detected from its content. Raises `BenchError` for a broken file."""
    with parsing(path, "IDX file"), open(path, "rb") as file:
        if file.read(2) == b"\x1f\x8b":
            file.seek(0)
            with gzip.open(file) as stream:
                return parse_idx(stream, str(path))  # type: ignore[arg-type]
        file.seek(0)
        return parse_idx(file, str(path))


def read_pair(images_path: Path, labels_path: Path, classes: int) -> Arrays:
    """Images uint8 (n, 1, h, h) and labels int64 (n,). Raises `BenchError` if the two files do not match."""
    images, labels = read_idx(images_path), read_idx(labels_path)
    if images.ndim != 3 or images.shape[1] != images.shape[2] or not images.size:
        raise BenchError(f"{images_path}: expected square images, got an array of shape {images.shape}")
    if labels.shape != images.shape[:1]:
        raise BenchError(f"{labels_path}: expected labels of shape {images.shape[:1]}, got {labels.shape}")
    if labels.max() >= classes:
        raise BenchError(f"{labels_path}: expected labels in 0..{classes - 1}, got {labels.max()}")
    return Arrays(images[:, None], labels.astype(np.int64))


class IdxSource(FileSource):
    """Four IDX files: images and labels, for training and for test."""

    classes: ClassVar[tuple[str, ...]]
    siblings = ("mnist", "fashion-mnist", "kmnist")

    def known_as(self, digest: str) -> str:
        published = ((it.name, file) for it in IdxSource.__subclasses__() for file in it.files)
        names = [name for name, file in published if digest and digest in (file.digest, file.content)]
        return f", which is that of {names[0]}" if names else ""

    def builder(self, size: int | None) -> DatasetBuilder:
        paths = [self.path(file) for file in self.files]
        train = read_pair(paths[0], paths[1], len(self.classes))
        test = read_pair(paths[2], paths[3], len(self.classes))
        return from_arrays(Spec(self.name, 1, size or train.images.shape[-1], self.classes), train, test)


def _published(
    urls: tuple[str, ...],
    digests: tuple[str, ...],
    megabytes: tuple[float, ...],
    contents: tuple[str, ...] = ("", "", "", ""),
) -> tuple[Published, ...]:
    """The four files in the order of `FILES`: SHA-256 as published, and of what is inside."""
    return tuple(
        Published(
            f"{name}.gz",
            tuple(f"{url}/{name}.gz" for url in urls),
            f"sha256:{digest}",
            size,
            content=content and f"sha256:{content}",
        )
        for name, digest, size, content in zip(FILES, digests, megabytes, contents, strict=True)
    )


class Mnist(IdxSource):
    name = "mnist"
    source = "LeCun, Cortes and Burges, http://yann.lecun.com/exdb/mnist"
    judge_floor = 0.97
    classes = tuple("0123456789")
    files = _published(
        ("https://ossci-datasets.s3.amazonaws.com/mnist", "https://storage.googleapis.com/cvdf-datasets/mnist"),
        (
            "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
            "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
            "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
            "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
        ),
        (9.9, 0.03, 1.6, 0.005),
        (
            "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
            "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
            "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
            "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        ),
    )


class FashionMnist(IdxSource):
    name = "fashion-mnist"
    source = "arXiv 1708.07747 (MIT licence)"
    judge_floor = 0.88
    classes = (
        "t-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle-boot",
    )  # fmt: skip
    files = _published(
        ("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com",),
        (
            "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
            "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
            "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
            "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
        ),
        (26.4, 0.03, 4.4, 0.005),
        (
            "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
            "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
            "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
            "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
        ),
    )


class Kmnist(IdxSource):
    name = "kmnist"
    source = "arXiv 1812.01718 (CC BY-SA 4.0)"
    judge_floor = 0.9
    classes = ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo")
    files = _published(
        ("http://codh.rois.ac.jp/kmnist/dataset/kmnist",),
        (
            "51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4",
            "e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17",
            "edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5",
            "20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c",
        ),
        (18.2, 0.03, 3.0, 0.005),
    )  # no digests of the content are published: only the compressed files pass
