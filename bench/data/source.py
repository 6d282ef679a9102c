"""What the built-in data sets have in common: an argument, a place to look, and arrays prepared once."""

from abc import abstractmethod
from pathlib import Path
from typing import ClassVar

from bench.api import Dataset, DataSource, DataState
from bench.data.download import download, file_digest
from bench.data.files import Published, advice, find, fingerprint, home
from bench.data.prepared import load_or_make, prepared_folder
from bench.data.recipe import Recipe
from bench.data.resize import check_size
from bench.errors import BenchError
from bench.util.atomic import quarantine


class Source(DataSource):
    """A built-in data set: `recipe` says how its arrays come about, `load` makes them once and keeps them."""

    name: ClassVar[str]
    version: ClassVar[int] = 1  # raise when the same files give other arrays
    argument_meaning: ClassVar[str] = ""  # empty: takes none

    def __init__(self, argument: str = "", root: str | Path | None = None) -> None:
        """`root` is searched before all other folders. Raises `BenchError` for an argument that means nothing."""
        super().__init__(argument)
        self.root = root
        if argument and not self.argument_meaning:
            raise BenchError(f"data set {self.name!r} takes no argument, got {argument!r}")

    @abstractmethod
    def fingerprint(self) -> str:
        """Changes whenever the files do that the arrays follow from. Fetches what is missing."""

    def reads(self) -> tuple[Path, ...] | None:
        return ()  # most draw their images themselves

    @abstractmethod
    def recipe(self, size: int | None) -> Recipe:
        """How the arrays come about at `size` pixels (default: the native size)."""

    def load(self, size: int | None = None) -> Dataset:
        """Load all splits, from the cache where they were prepared before. Raises `BenchError` in one sentence."""
        check_size(size)
        try:
            folder = prepared_folder(self.name, self.version, self.argument, size, self.fingerprint())
            return load_or_make(folder, lambda: self.recipe(size))
        except OSError as error:  # a file that may not be read, or that is gone by now
            raise BenchError(f"data set {self.name!r} cannot be read: {error}") from error


class FileSource(Source):
    """A data set of a few published files."""

    files: ClassVar[tuple[Published, ...]]
    siblings: ClassVar[tuple[str, ...]] = ()  # data sets whose files have the same names

    def find(self, file: Published) -> Path | None:
        return find(file, self.name, [name for name in self.siblings if name != self.name], self.root)

    def path(self, file: Published) -> Path:
        """Where `file` lies; fetched where it can be. Raises `BenchError` where it cannot."""
        path = self.find(file)
        if path is None and not file.urls:
            raise BenchError(f"data set {self.name!r} needs a file that is not here: {advice(file, self.name)}")
        return path or download(file, self.name)

    def load(self, size: int | None = None) -> Dataset:
        """As above; a file that was fetched here and is not what was fetched any more is set aside and fetched again."""
        try:
            return super().load(size)
        except BenchError as error:
            spoiled = [path for file in self.files if (path := self._spoiled(file))]
            for path in spoiled:
                quarantine(path, str(error))
            if not spoiled:
                raise
            return super().load(size)

    def _spoiled(self, file: Published) -> Path | None:
        """Where `file` lies if we fetched it and its digest is wrong by now."""
        path = self.find(file)
        if path is None or path != home(file, self.name) or not file.urls:
            return None
        algorithm, _, wanted = file.digest.partition(":")
        return path if file_digest(path, algorithm) != wanted else None

    def state(self) -> DataState:
        missing = [file for file in self.files if self.find(file) is None]
        if not missing:
            return DataState("ready")
        by_hand = [file for file in missing if not file.urls]
        if by_hand:
            return DataState("missing", advice(by_hand[0], self.name))
        megabytes = sum(file.megabytes for file in missing)
        return DataState("download", f"{megabytes:.0f} MB from {missing[0].origin.rpartition('/')[0]}")

    def reads(self) -> tuple[Path, ...] | None:
        return tuple(self.path(file) for file in self.files)

    def fingerprint(self) -> str:
        return " ".join(fingerprint(self.path(file)) for file in self.files)
