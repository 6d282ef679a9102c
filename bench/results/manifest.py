"""Receipts of finished runs: proof, without importing torch or any plugin, that there is nothing left to do.

A manifest is found by the digest of the request and of everything that could change its outcome: the source of the host
and of every installed plugin, the versions of torch and timm, the machine. It lists the record files and the data
files with their sizes and dates; one that does not hold any more is as good as none.
"""

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from glob import glob
from importlib.metadata import entry_points, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from bench.experiment.keys import content_key
from bench.experiment.request import RunRequest
from bench.results.record import Record
from bench.util.atomic import read_checksummed, remove_stale, write_checksummed


def find_manifest(runs: Path, request: RunRequest) -> list[Record] | None:
    """All records of a finished run with this request, or None where anything is missing or changed."""
    try:
        manifest = json.loads(read_checksummed(_path(runs, request)))
        if _stamps(manifest["data"]) != manifest["stamps"]:
            return None
        rows = [row for name in manifest["records"] for row in json.loads(read_checksummed(runs / name))]
        return [Record.from_dict(row | {"budget": request.budget}) for row in rows] or None
    except Exception:  # parsers raise anything, and a manifest is only there to save time
        return None


def write_manifest(runs: Path, request: RunRequest, records: Sequence[Path], data: Sequence[Path]) -> None:
    """Leave a manifest for a run in which everything went well."""
    from filelock import FileLock

    names = [str(path.relative_to(runs)) for path in records]
    files = [str(path.absolute()) for path in data]
    text = json.dumps({"records": names, "data": files, "stamps": _stamps(files)}, indent=1)
    path = _path(runs, request)
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.parent / ".lock"):
        remove_stale(path.parent)
        write_checksummed(path, text.encode() + b"\n")


def _path(runs: Path, request: RunRequest) -> Path:
    parts: dict[str, Any] = {"request": asdict(request), "machine": _machine(), "plugins": _plugins()}
    return runs / "receipts" / f"{content_key(parts)}.json"


def _machine() -> list[Any]:
    variables = [os.environ.get(name, "") for name in ("BENCH_DATA", "BENCH_CACHE", "CUDA_VISIBLE_DEVICES")]
    return [os.cpu_count(), sorted(glob("/dev/nvidia[0-9]*")), version("torch"), version("timm"), *variables]


def _plugins() -> list[list[str]]:
    """Each installed plugin with the digest of its source, the host first."""
    points = sorted((point.name, point.value) for point in entry_points(group="bench"))
    return [["bench", package_digest("bench")]] + [[name, value, package_digest(value)] for name, value in points]


def package_digest(module: str) -> str:
    """SHA-256 over the Python files of the package that `module` lies in, without importing it."""
    spec = find_spec(module.split(":")[0].split(".")[0])
    digest = hashlib.sha256()
    for folder in sorted((spec and spec.submodule_search_locations) or []):
        for file in sorted(Path(folder).rglob("*.py")):
            digest.update(f"{file.relative_to(folder)}\0".encode() + file.read_bytes() + b"\0")
    if spec and not spec.submodule_search_locations and spec.origin:
        digest.update(Path(spec.origin).read_bytes())
    return digest.hexdigest()


def _stamps(files: Sequence[str]) -> list[list[int]]:
    stats = [os.stat(file) for file in files]
    return [[stat.st_size, stat.st_mtime_ns] for stat in stats]
