"""The published files of data sets: what they are called, where they are looked for, what is said of a bad one."""

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
    """A file as published. `digest` is "sha256:..." or "md5:..."; no `urls`: it cannot be fetched without a person."""

    name: str
    urls: tuple[str, ...] = ()
    digest: str = ""
    megabytes: float = 0.0
    page: str = ""  # where a person gets it

    @property
    def origin(self) -> str:
        return self.urls[0] if self.urls else self.page

    @property
    def spellings(self) -> tuple[str, ...]:
        """The names it may have here: unpacked files do as well as gzip'd ones, of a .tar.gz only the archive does."""
        plain = self.name.removesuffix(".gz")
        return (self.name,) if plain.endswith(".tar") or plain == self.name else (self.name, plain)


def find(file: Published, dataset: str, others: Collection[str], root: str | Path | None = None) -> Path | None:
    """Where `file` lies: in a folder named after the data set first, then in a searched folder itself.

    A searched folder named after one of the `others` holds that data set's files, whatever they are called.
    """
    roots = data_roots(root)
    folders = [folder / dataset for folder in roots] + [folder for folder in roots if folder.name not in others]
    for folder in folders:
        for spelling in file.spellings:
            if os.path.isfile(folder / spelling):  # unlike Path.is_file: what may not be looked at is not there
                return folder / spelling
    return None


def home(file: Published, dataset: str) -> Path:
    """Where a fetched file is kept, and where a person may put it."""
    return cache_dir() / "data" / dataset / file.name


def advice(file: Published, dataset: str) -> str:
    """The end of an error about a missing file: where it comes from and where to put it."""
    return (
        f"get {file.name} from {file.origin} and put it at {home(file, dataset)} or into a folder named by $BENCH_DATA"
    )


def fingerprint(path: Path) -> str:
    """Name, size, time and the digest of both ends: an archive's checksums lie at its end."""
    stat = path.stat()
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        digest.update(file.read(END))
        file.seek(max(0, stat.st_size - END))
        digest.update(file.read(END))
    return f"{path.name}:{stat.st_size}:{stat.st_mtime_ns}:{digest.hexdigest()}"


@contextmanager
def parsing(path: Path | str, kind: str) -> Iterator[None]:
    """Turn whatever a parser raises about a file, and parsers raise anything, into one sentence that names it."""
    try:
        yield
    except BenchError:
        raise
    except Exception as error:
        reason = " ".join((str(error) or type(error).__name__).split())[:300]
        raise BenchError(f"{path} is not a whole {kind}: {reason}") from error
