"""The base classes of the built-in data sets: an argument, a search path, and arrays that are prepared once."""

from abc import abstractmethod
from pathlib import Path
from typing import ClassVar

from bench.api import Dataset, DataSource, DataState
from bench.data.builder import DatasetBuilder
from bench.data.download import download
from bench.data.files import Published, advice, candidates, find, fingerprint, home
from bench.data.prepared import load_or_build, prepared_folder
from bench.data.resize import LARGEST, check_size
from bench.data.verify import known_mismatch, mismatch
from bench.errors import BenchError
from bench.util.atomic import quarantine


class Source(DataSource):
    """A built-in data set: `builder` defines its arrays, `load` builds them once and caches them."""

    name: ClassVar[str]
    version: ClassVar[int] = 1  # raised when the same files give other arrays
    argument_meaning: ClassVar[str] = ""  # empty: it takes no argument
    largest: ClassVar[int] = LARGEST  # pixels

    def __init__(self, argument: str = "", root: str | Path | None = None) -> None:
        """`root` is searched before all other folders. Raises `BenchError` if an argument is given and the data set takes none."""
        super().__init__(argument)
        self.root = root
        if argument and not self.argument_meaning:
            raise BenchError(f"data set {self.name!r} takes no argument, got {argument!r}")

    @property
    def spec_name(self) -> str:
        return self.name

    @abstractmethod
    def fingerprint(self) -> str:
        """A text that changes if the files behind the arrays do. Downloads missing files."""

    def reads(self) -> tuple[Path, ...] | None:
        return ()  # most of them draw their images

    @abstractmethod
    def builder(self, size: int | None) -> DatasetBuilder:
        """The builder of the arrays at `size` pixels (default: the native size)."""

    def load(self, size: int | None = None) -> Dataset:
        """Load all splits, from the cache if they were prepared before. Raises `BenchError` if they cannot be read."""
        check_size(size, self.largest)
        try:
            folder = prepared_folder(self.name, self.version, self.argument, size, self.fingerprint())
            return load_or_build(folder, lambda: self.builder(size))
        except OSError as error:  # a file without permission, or removed since
            raise BenchError(f"data set {self.name!r} cannot be read: {error}") from error


class FileSource(Source):
    """A data set of a few published files, whose content is checked: another file never gets the name of the data set."""

    files: ClassVar[tuple[Published, ...]]
    siblings: ClassVar[tuple[str, ...]] = ()  # data sets whose files have the same names

    @property
    def others(self) -> list[str]:
        return [name for name in self.siblings if name != self.name]

    def find(self, file: Published) -> Path | None:
        return find(file, self.name, self.others, self.root)

    def path(self, file: Published) -> Path:
        """The path of `file`, downloaded if it has a URL.

        Raises `BenchError` if it cannot be found or downloaded, and if its content is not the published one.
        """
        found = list(candidates(file, self.name, self.others, self.root))
        for path in found:
            if mismatch(path, file) is None:
                return path
        if found:
            raise BenchError(self._refusal(found[0], file))
        if not file.urls:
            raise BenchError(f"data set {self.name!r} needs a file that was not found: {advice(file, self.name)}")
        return download(file, self.name)

    def _refusal(self, path: Path, file: Published) -> str:
        expected, got = mismatch(path, file) or ("", "")
        return (
            f"{path} is not the published {file.name} of {self.name}: expected {expected}, got {got}"
            f"{self.known_as(got)}; use folder:PATH for images of your own"
        )

    def known_as(self, digest: str) -> str:
        """A remark on a file with this digest: which other data set it belongs to, if that is known."""
        return ""

    def load(self, size: int | None = None) -> Dataset:
        """As in the base class; a downloaded file that is corrupt now is quarantined and downloaded again."""
        try:
            return super().load(size)
        except BenchError as error:
            corrupted = [path for file in self.files if (path := self._corrupted(file))]
            for path in corrupted:
                quarantine(path, str(error))
            if not corrupted:
                raise
            return super().load(size)

    def _corrupted(self, file: Published) -> Path | None:
        """The path of `file` if it was downloaded into the cache and its digest is wrong now."""
        path = self.find(file)
        if path is None or path != home(file, self.name) or not file.urls:
            return None
        return path if mismatch(path, file) else None

    def state(self) -> DataState:
        found = [(file, self.find(file)) for file in self.files]
        missing = [file for file, path in found if path is None]
        if not missing:
            refused = [path for file, path in found if path and known_mismatch(path, file)]
            return DataState("missing", f"{refused[0]} is not the published file") if refused else DataState("ready")
        by_hand = [file for file in missing if not file.urls]
        if by_hand:
            return DataState("missing", advice(by_hand[0], self.name))
        megabytes = sum(file.megabytes for file in missing)
        return DataState("download", f"{megabytes:.0f} MB from {missing[0].origin.rpartition('/')[0]}")

    def reads(self) -> tuple[Path, ...] | None:
        return tuple(self.path(file) for file in self.files)

    def fingerprint(self) -> str:
        return " ".join(fingerprint(self.path(file)) for file in self.files)
