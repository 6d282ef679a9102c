"""Run directories: one folder a training, named by its content key; whole files or none; everything can be resumed."""

import json
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.errors import BenchError
from bench.jobs import Job
from bench.record import Record
from bench.sealed import Corrupt, read_sealed, sweep, write_atomic, write_sealed


class Folder:
    """The folder of one training: its job, log, checkpoints, model, samples and records."""

    def __init__(self, root: Path, job: Job) -> None:
        self.job = job
        self.path = root / _safe(job.dataset) / _safe(job.entry) / f"seed{job.seed}-{job.key[:12]}"

    def create(self) -> None:
        """Make the folder and write the resolved job into it. Raises `BenchError` where that cannot be."""
        for folder in (self.path, self.path / "records", self.checkpoints):
            sweep(folder)
        try:
            text = json.dumps({"key": self.job.key, "job": self.job.to_dict(), "training": self.job.training}, indent=1)
            write_atomic(self.path / "job.json", text.encode() + b"\n")
        except OSError as error:
            raise BenchError(f"cannot write to {self.path}: {error.strerror}; choose another --runs") from error

    @property
    def log(self) -> Path:
        return self.path / "log.txt"

    @property
    def checkpoints(self) -> Path:
        return self.path / "checkpoints"

    @property
    def model(self) -> Path:
        return self.path / "model.safetensors"

    def read(self, name: str) -> Any | None:
        """A sealed JSON file, None where it is missing; a corrupt one is set aside and counts as missing."""
        payload = self.read_bytes(name)
        return None if payload is None else json.loads(payload)

    def read_bytes(self, name: str) -> bytes | None:
        """The payload of a sealed file, likewise."""
        path = self.path / name
        try:
            return read_sealed(path)
        except FileNotFoundError:
            return None
        except Corrupt:
            path.replace(path.with_name(path.name + ".corrupt"))
            return None

    def write(self, name: str, value: Any) -> None:
        write_sealed(self.path / name, json.dumps(value, indent=1).encode() + b"\n")

    def write_bytes(self, name: str, payload: bytes) -> None:
        write_sealed(self.path / name, payload)

    # Records: a file a measurement, named by metric and key; `fit` and `exam` say how the job itself ended.

    def record(self, name: str, key: str) -> list[Record] | None:
        """The rows of one measurement, None where it was not made."""
        rows = self.read(record_name(name, key))
        return None if rows is None else [Record.from_dict(row) for row in rows]

    def write_record(self, name: str, key: str, records: list[Record]) -> None:
        self.write(record_name(name, key), [record.to_dict() for record in records])


def jobs_in(root: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Every job.json under `root` that can be read."""
    for path in sorted(root.glob("*/*/seed*-*/job.json")):
        try:
            yield path.parent, json.loads(path.read_text())
        except (OSError, ValueError):
            continue


def read_json(path: Path) -> Any | None:
    """A sealed JSON file of any folder, None where it is missing or corrupt."""
    try:
        return json.loads(read_sealed(path))
    except (OSError, Corrupt):
        return None


def check_writable(root: Path) -> None:
    """Fail before any compute where the runs cannot be written. Raises `BenchError`."""
    try:
        root.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=root).close()  # has no name that a killed process could leave behind
    except OSError as error:
        raise BenchError(f"cannot write to {root}: {error.strerror or error}; choose another --runs") from error


def record_name(name: str, key: str) -> str:
    """Where a measurement lies within its folder."""
    return f"records/{_safe(name)}-{key[:12]}.json"


def _safe(name: str) -> str:
    """A file name for any name: what is not plain becomes _, with a digest where something was lost."""
    import hashlib

    plain = re.sub(r"[^A-Za-z0-9.-]+", "_", name).strip(".")[-60:]
    return plain if plain == name else f"{plain}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
