"""Run directories: one folder a training, named by its content key; whole files or none; everything can be resumed."""

import json
import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from bench.errors import BenchError
from bench.experiment.job import Job
from bench.results.record import Record
from bench.util.atomic import (
    Corrupt,
    quarantine,
    read_checksummed,
    read_or_quarantine,
    remove_stale,
    write_atomic,
    write_checksummed,
)

Value = TypeVar("Value")
ROOM = 2**16  # bytes: a disk with less is full


class RunDir:
    """The folder of one training: its job, log, checkpoints, model, samples and records."""

    def __init__(self, root: Path, job: Job) -> None:
        self.job = job
        self.path = root / _safe(job.dataset) / _safe(job.entry) / f"seed{job.seed}-{job.key[:12]}"

    def create(self) -> None:
        """Make the folder and write the resolved job into it. Raises `BenchError` where that cannot be."""
        for folder in (self.path, self.path / "records", self.checkpoints):
            remove_stale(folder)
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

    def read(self, name: str, parse: Callable[[bytes], Value]) -> Value | None:
        """What `parse` makes of a sealed file, None where it is missing; a corrupt one is set aside and counts as missing."""
        return read_or_quarantine(self.path / name, parse)

    def costs(self, name: str) -> dict[str, float]:
        """What `train.json` or `sampling.json` tells of costs; nothing where it is missing."""
        return self.read(name, lambda payload: dict(json.loads(payload)["costs"])) or {}

    def model_digest(self) -> str | None:
        """The digest of the trained model, None before it was trained."""
        return self.read("train.json", lambda payload: str(json.loads(payload)["model"]))

    def quarantine(self, name: str, why: str) -> None:
        """Keep what cannot be used under another name, and say so."""
        quarantine(self.path / name, f"{self.path / name} is corrupt: {why}")

    def write(self, name: str, value: Any) -> None:
        write_checksummed(self.path / name, json.dumps(value, indent=1).encode() + b"\n")

    def write_bytes(self, name: str, payload: bytes) -> None:
        write_checksummed(self.path / name, payload)

    # Records: a file a measurement, named by metric and key; `fit` and `exam` say how the job itself ended.

    def record(self, name: str, key: str) -> list[Record] | None:
        """The rows of one measurement, None where it was not made."""

        def parse(payload: bytes) -> list[Record]:
            records = parse_records(payload)
            if {record.key for record in records} != {key}:
                raise ValueError(f"it holds no record of {name} {key}")
            return records

        return self.read(record_name(name, key), parse)

    def write_record(self, name: str, key: str, records: list[Record]) -> None:
        self.write(record_name(name, key), [record.to_dict() for record in records])


def jobs_in(root: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Every job.json under `root`; of one that cannot be read it is said so."""
    for path in sorted(root.glob("*/*/seed*-*/job.json")):
        try:
            written = json.loads(path.read_text(encoding="utf-8"))
            names = {"entry", "dataset", "seed", "device"}
            if not (isinstance(written["key"], str) and written["training"].keys() & written["job"].keys() >= names):
                raise ValueError("it names no training")
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            print(f"bench: {path} is no job and is passed over: {error}", file=sys.stderr)
            continue
        yield path.parent, written


def look(path: Path, parse: Callable[[bytes], Value]) -> Value | None:
    """What `parse` makes of a sealed file of any run; None where it is missing or corrupt. Nothing is set aside."""
    try:
        return parse(read_checksummed(path))
    except (OSError, Corrupt, ValueError, KeyError, TypeError, RecursionError):
        return None


def parse_records(payload: bytes) -> list[Record]:
    """The records of a file. Raises KeyError, TypeError or ValueError for other bytes."""
    return [Record.from_dict(row) for row in json.loads(payload)]


def check_writable(root: Path) -> None:
    """Fail before any compute where the runs cannot be written. Raises `BenchError`."""
    try:
        root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=root) as probe:  # has no name that a killed process could leave behind
            probe.write(bytes(ROOM))
            probe.flush()
            os.fsync(probe.fileno())
    except OSError as error:
        raise BenchError(f"cannot write to {root}: {error.strerror or error}; choose another --runs") from error


def record_name(name: str, key: str) -> str:
    """Where a measurement lies within its folder."""
    return f"records/{_safe(name)}-{key[:12]}.json"


def _safe(name: str) -> str:
    """A file name for any name: what is not plain becomes _, with a digest where something was lost."""
    import hashlib

    plain = re.sub(r"[^A-Za-z0-9.-]+", "_", name).strip(".")[-60:]
    return plain if plain == name else f"{plain}-{hashlib.sha256(name.encode(errors='surrogatepass')).hexdigest()[:8]}"
