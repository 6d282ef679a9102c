"""The published files of data sets: their names, where they are searched, and errors about broken ones."""

import hashlib
import os
import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from bench.errors import BenchError
from bench.util.paths import cache_dir, data_roots

END = 2**20  # bytes: how much of each end of a file goes into its fingerprint


@dataclass(frozen=True)
class Published:
    """A file as published. Digests are "sha256:..." or "md5:..."; without `urls` it has to be downloaded by hand."""

    name: str
    urls: tuple[str, ...] = ()
    digest: str = ""
    megabytes: float = 0.0
    page: str = ""  # where to get it by hand
    content: str = (
        ""  # digest of what is inside of a gzip file, so that plain and recompressed copies can be checked too
    )

    @property
    def origin(self) -> str:
        return self.urls[0] if self.urls else self.page

    @property
    def spellings(self) -> tuple[str, ...]:
        """The accepted file names: with and without .gz, `x-idx3-ubyte` and `x.idx3-ubyte`, a .tar.gz as published."""
        plain = self.name.removesuffix(".gz")
        if plain.endswith(".tar") or plain == self.name:
            return (self.name,)
        dotted = re.sub(r"-(idx\d)", r".\1", plain)
        return tuple(dict.fromkeys((self.name, plain, f"{dotted}.gz", dotted)))


def find(file: Published, dataset: str, others: Collection[str], root: str | Path | None = None) -> Path | None:
    """The first of `candidates`, or None."""
    return next(candidates(file, dataset, others, root), None)


def candidates(
    file: Published, dataset: str, others: Collection[str], root: str | Path | None = None
) -> Iterator[Path]:
    """The files named like `file`: first in folders named after the data set, then in the searched folders themselves.

    A searched folder named after one of the `others` belongs to that data set and is skipped. Names of folders may
    differ in case and punctuation, and the files may be in a folder `raw` within, as torchvision puts them.
    """
    roots = data_roots(root)
    named = [folder for top in roots for folder in _named(top, dataset)]
    nested = [folder for top in named for folder in _named(top, dataset)]  # of torchvision with root=data/mnist
    taken = {_letters(other) for other in others}
    for folder in (*named, *nested, *(top for top in roots if _letters(top.name) not in taken)):
        for path in (folder / below / spelling for below in ("", "raw") for spelling in file.spellings):
            if os.path.isfile(path):  # unlike Path.is_file, False without permission
                yield path


def _named(top: Path, name: str) -> list[Path]:
    """The folder `name` below `top`, and those whose names differ from it in case and punctuation only."""
    similar: list[Path] = []
    with suppress(OSError):  # `top` is missing or may not be listed
        similar = sorted(Path(it.path) for it in os.scandir(top) if _letters(it.name) == _letters(name))
    return list(dict.fromkeys((top / name, *similar)))


def _letters(name: str) -> str:
    return re.sub(r"[\W_]+", "", name.casefold())


def home(file: Published, dataset: str) -> Path:
    """The path of a downloaded file in the cache; it may also be put there by hand."""
    return cache_dir() / "data" / dataset / file.name


def advice(file: Published, dataset: str) -> str:
    """The end of an error about a missing file: where it comes from and where to put it."""
    return (
        f"get {file.name} from {file.origin} and put it at {home(file, dataset)} or into a folder named by $BENCH_DATA"
    )


def fingerprint(path: Path) -> str:
    """Name, size, time, and the digest of both ends of a file (an archive has its checksums at the end)."""
    stat = path.stat()
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        digest.update(file.read(END))
        file.seek(max(0, stat.st_size - END))
        digest.update(file.read(END))
    return f"{path.name}:{stat.st_size}:{stat.st_mtime_ns}:{digest.hexdigest()}"


@contextmanager
def parsing(path: Path | str, kind: str) -> Iterator[None]:
    """Turn any exception that a parser raises about the file `path` into a `BenchError` that names it."""
    try:
        yield
    except BenchError:
        raise
    except Exception as error:
        reason = " ".join((str(error) or type(error).__name__).split())[:300]
        raise BenchError(f"{path} is not a valid {kind}: {reason}") from error
