"""The published files of data sets: their names, where they are searched, and errors about broken ones."""

import hashlib
import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.errors import BenchError
from bench.util.paths import cache_dir, data_roots

END = 2**20  # bytes: how much of each end of a file goes into its fingerprint


@dataclass(frozen=True)
class Published:
    """A file as published. `digest` is "sha256:..." or "md5:..."; without `urls` it has to be downloaded by hand."""

    name: str
    urls: tuple[str, ...] = ()
    digest: str = ""
    megabytes: float = 0.0
    page: str = ""  # where to get it by hand

    @property
    def origin(self) -> str:
        return self.urls[0] if self.urls else self.page

    @property
    def spellings(self) -> tuple[str, ...]:
        """The accepted file names: with and without .gz, but a .tar.gz only as published."""
        plain = self.name.removesuffix(".gz")
        return (self.name,) if plain.endswith(".tar") or plain == self.name else (self.name, plain)


def find(file: Published, dataset: str, others: Collection[str], root: str | Path | None = None) -> Path | None:
    """The path of `file`, or None: first in folders named after the data set, then in the searched folders themselves.

    A searched folder named after one of the `others` belongs to that data set and is skipped.
    """
    roots = data_roots(root)
    folders = [folder / dataset for folder in roots] + [folder for folder in roots if folder.name not in others]
    for folder in folders:
        for spelling in file.spellings:
            if os.path.isfile(folder / spelling):  # unlike Path.is_file, False without permission
                return folder / spelling
    return None


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
