"""What a host and an environment write to each other about the methods in it, as JSON."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench.errors import BenchError
from bench.experiment.request import DatasetRef


@dataclass(frozen=True)
class Question:
    """Which methods a run asks for, and for which data."""

    names: tuple[str, ...]  # of methods, of other environments and of the host too; all: every one
    settings: tuple[str, ...]  # as in --set
    dataset: DatasetRef
    budget: str

    def write(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self)), encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> "Question":
        parts = json.loads(path.read_text(encoding="utf-8"))
        return cls(tuple(parts["names"]), tuple(parts["settings"]), DatasetRef(**parts["dataset"]), parts["budget"])


@dataclass(frozen=True)
class Described:
    """What an environment holds, and the methods that were asked for."""

    version: str  # of the host in it
    source: str  # the digest of its files
    torch: str
    data: str  # the digest of the data set
    provides: tuple[str, ...]  # the names of all its methods
    methods: tuple[dict[str, Any], ...]  # identities of jobs
    skipped: tuple[tuple[dict[str, Any], str], ...]  # methods that are not for these images, with the reason
    broken: tuple[dict[str, str], ...]  # plugins that cannot be used

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def read(cls, path: Path, requirement: str) -> "Described":
        """What `inside` wrote. Raises `BenchError` with what it complains about, and for anything else."""
        try:
            parts = json.loads(path.read_text(encoding="utf-8"))
            if "error" in parts:
                raise BenchError(f"in the environment of {requirement}: {parts['error']}")
            identities = tuple(_identity(method) for method in parts["methods"])
            skipped = tuple((_identity(method), str(reason)) for method, reason in parts["skipped"])
            tuples = {"provides": tuple(parts["provides"]), "broken": tuple(parts["broken"])}
            return cls(**parts | tuples | {"methods": identities, "skipped": skipped})
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise BenchError(f"the environment of {requirement} gave no valid answer: {error}") from error


def _identity(method: dict[str, Any]) -> dict[str, Any]:
    """Lists of JSON are tuples in a job."""
    return method | {"settings": tuple((name, value) for name, value in method["settings"])}
