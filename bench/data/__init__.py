"""The built-in data sets, registered through the same hook as those of third-party plugins."""

from collections.abc import Mapping
from pathlib import Path

from bench.api import Dataset
from bench.data.celeba import CelebA
from bench.data.cifar import Cifar10, Cifar100
from bench.data.digits import Digits
from bench.data.dsprites import DSprites, DSpritesLike
from bench.data.faces import Faces
from bench.data.folder import Cifar10Jpeg, Folder
from bench.data.idx import FashionMnist, Kmnist, Mnist
from bench.data.source import Source
from bench.data.sprites import Sprites
from bench.data.svhn import Svhn
from bench.errors import BenchError, nearest
from bench.hookspecs import hookimpl
from bench.util.paths import folder_hint


@hookimpl
def bench_datasets() -> Mapping[str, type[Source]]:
    """The built-in data sets by name."""
    classes: tuple[type[Source], ...] = (
        Sprites, Faces, DSprites, DSpritesLike, Digits, Mnist, FashionMnist, Kmnist,
        Cifar10, Cifar100, Cifar10Jpeg, Svhn, CelebA, Folder,
    )  # fmt: skip
    return {source.name: source for source in classes}


def load(name: str, root: str | Path | None = None, size: int | None = None) -> Dataset:
    """Load a built-in data set, `name` or `name:argument`, at `size` pixels (default: its native size).

    `root` is searched for its files before all other folders. Raises `BenchError` for an unknown name, an unsupported
    size, or files that are missing or broken.
    """
    kind, _, argument = name.partition(":")
    sources = bench_datasets()
    if kind not in sources:
        raise BenchError(f"unknown data set {kind!r}: {folder_hint(name, kind) or nearest(kind, sources)}")
    return sources[kind](argument, root).load(size)
