"""Published files of weights that no Python package holds: where they are looked for, and how they are recognised."""

import hashlib
import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import torch

from bench.errors import BenchError
from bench.util.paths import expanded, tilde


@dataclass(frozen=True)
class WeightsFile:
    """One file, of the feature space `name`; only a file with this SHA-256 is accepted."""

    name: str  # what `bench fetch` calls it
    file: str
    url: str
    digest: str  # SHA-256
    megabytes: int

    @property
    def variable(self) -> str:
        """The environment variable that names another place."""
        return f"BENCH_{self.name.upper()}"

    def path(self) -> Path:
        """Where the file is looked for: at the place that the variable names, or where torch.hub downloads weights."""
        named = os.environ.get(self.variable)
        return expanded(named) if named else Path(torch.hub.get_dir()) / "checkpoints" / self.file

    def absent(self) -> str:
        """Why the file cannot be used now, or ""."""
        path = self.path()
        if not path.is_file():
            return f"{self.name} has no weights in {tilde(path)}: bench fetch {self.name}"
        found = file_digest(path)
        if found == self.digest:
            return ""
        return f"{tilde(path)} holds other weights than {self.file}: expected the SHA-256 {self.digest}, got {found}"

    def checked(self) -> Path:
        """The path of the file. Raises `BenchError` for any file but the published one."""
        if reason := self.absent():
            raise BenchError(reason)
        return self.path()

    def require_if_named(self) -> None:
        """Raise `BenchError` if the variable names a file that is not there, or is not the published one."""
        if not os.environ.get(self.variable):
            return
        if not self.path().is_file():
            raise BenchError(
                f"{self.variable}: no such file: {self.path()}; bench fetch {self.name} downloads it to that path"
            )
        self.checked()


def file_digest(path: Path) -> str:
    """The SHA-256 of a file, computed once as long as its size and date stay the same."""
    stat = path.stat()
    return _digest(path, stat.st_size, stat.st_mtime_ns)


@cache
def _digest(path: Path, size: int, date: int) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
