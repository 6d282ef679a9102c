"""Run directories: one for each training, named by its content key, from which everything can be resumed."""

import hashlib
import json
import logging
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from bench.errors import BenchError
from bench.experiment.job import Job
from bench.results.environment import environment
from bench.results.record import FIT, Record
from bench.util.atomic import (
    Corrupt,
    read_checksummed,
    read_json,
    read_or_quarantine,
    remove_stale,
    write_atomic,
    write_checksummed,
    write_json,
)

Value = TypeVar("Value")
PROBE = 2**16  # bytes: a disk with less free space is full
logger = logging.getLogger("bench")


class RunDir:
    """The directory of one training: its job, log, checkpoints, model, samples and records."""

    def __init__(self, root: Path, job: Job) -> None:
        self.job = job
        self.path = root / _safe(job.dataset) / _safe(job.entry) / f"seed{job.seed}-{job.key[:12]}"

    def create(self) -> None:
        """Make the directory and write the resolved job and the environment into it. Raises `BenchError` if that fails."""
        for folder in (self.path, self.path / "records", self.checkpoints):
            remove_stale(folder)
        try:
            job = self.job.to_dict() | {"environment": ""}  # a path on this machine
            text = json.dumps({"key": self.job.key, "job": job, "training": self.job.training}, indent=1)
            write_atomic(self.path / "job.json", text.encode() + b"\n")
            write_atomic(self.path / "environment.json", json.dumps(environment(), indent=1).encode() + b"\n")
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

    # Files that can be made again: a corrupt one is quarantined and counts as missing

    def read(self, name: str, parse: Callable[[Any], Value]) -> Value | None:
        """What `parse` makes of the content of a JSON file; None if it is missing."""
        return read_or_quarantine(self.path / name, read_json, parse)

    def write(self, name: str, content: Any) -> None:
        """Write plain values as JSON with a digest."""
        write_json(self.path / name, content)

    def read_bytes(self, name: str, parse: Callable[[bytes], Value]) -> Value | None:
        """What `parse` makes of a binary file; None if it is missing."""
        return read_or_quarantine(self.path / name, read_checksummed, parse)

    def write_bytes(self, name: str, payload: bytes) -> None:
        """Write a binary file with a digest."""
        write_checksummed(self.path / name, payload)

    def costs(self, name: str) -> dict[str, float]:
        """The costs in `train.json` or `sampling.json`; empty if the file is missing."""
        return self.read(name, lambda content: dict(content["costs"])) or {}

    def model_digest(self) -> str | None:
        """The digest of the trained model; None before the training has finished."""
        return self.read("train.json", lambda content: str(content["model"]))

    # Records: one file for each measurement, named by metric and key; `fit` says how the training ended

    def record(self, name: str, key: str) -> list[Record] | None:
        """The rows of one measurement; None if it was not made."""

        def parse(content: Any) -> list[Record]:
            records = parse_records(content)
            if {record.key for record in records} != {key}:
                raise ValueError(f"expected records of {name} with the key {key}")
            return records

        return self.read(record_name(name, key), parse)

    def unavailable(self, name: str, key: str) -> list[Record] | None:
        """The rows of a measurement that weights or packages were missing for; None if there are none."""
        return self.read(unavailable_name(name, key), parse_records)

    def write_unavailable(self, name: str, key: str, records: list[Record]) -> None:
        self.write(unavailable_name(name, key), [record.to_dict() for record in records])

    def write_fit(self, seen: float, guide: str, judge: str) -> None:
        """Write the row of a training that has ended, after so many images."""
        job = self.job
        record = Record.of(job, FIT, job.key, FIT, value=seen, n=job.train_size, guide=guide, judge=judge)
        self.write_record(FIT, job.key, [record])

    def write_record(self, name: str, key: str, records: list[Record]) -> None:
        self.write(record_name(name, key), [record.to_dict() for record in records])


def jobs_in(root: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Every valid job.json under `root`, with a warning for each invalid one."""
    for path in sorted(root.glob("*/*/seed*-*/job.json")):
        try:
            written = json.loads(path.read_text(encoding="utf-8"))
            names = {"entry", "dataset", "seed", "device"}
            if not (isinstance(written["key"], str) and written["training"].keys() & written["job"].keys() >= names):
                raise ValueError("it does not describe a training")
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            logger.warning("skipping %s: not a valid job file (%s)", path, error)
            continue
        yield path.parent, written


def look(path: Path, parse: Callable[[Any], Value]) -> Value | None:
    """What `parse` makes of a JSON file of any run; None if it is missing or corrupt. Nothing is quarantined."""
    try:
        return parse(read_json(path))
    except (OSError, Corrupt, ValueError, KeyError, TypeError, RecursionError):
        return None


def parse_records(content: Any) -> list[Record]:
    """The records of a file. Raises KeyError, TypeError or ValueError for other values."""
    return [Record.from_dict(row) for row in content]


def check_writable(root: Path) -> None:
    """Raise `BenchError` before any computation if `root` cannot be written."""
    try:
        root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=root) as probe:  # has no name that a killed process could leave behind
            probe.write(bytes(PROBE))
            probe.flush()
            os.fsync(probe.fileno())
    except OSError as error:
        raise BenchError(f"cannot write to {root}: {error.strerror or error}; choose another --runs") from error


def record_name(name: str, key: str) -> str:
    """The path of a measurement within its run directory."""
    return f"records/{_safe(name)}-{key[:12]}.json"


def unavailable_name(name: str, key: str) -> str:
    """The same for a measurement that could not be made where the run was."""
    return f"records/{_safe(name)}-{key[:12]}.unavailable.json"


def _safe(name: str) -> str:
    """A file name for any name: other than plain characters become _, and then a digest is appended."""
    plain = re.sub(r"[^A-Za-z0-9.-]+", "_", name).strip(".")[-60:]
    return plain if plain == name else f"{plain}-{hashlib.sha256(name.encode(errors='surrogatepass')).hexdigest()[:8]}"
