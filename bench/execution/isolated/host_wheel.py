"""This host as a wheel, so that an environment gets the very files that are at work here, wherever they are installed."""

import base64
import hashlib
import zipfile
from collections.abc import Iterator
from importlib.metadata import Distribution, distribution
from pathlib import Path

from bench.registry.groups import GROUP
from bench.registry.plugins import OWN
from bench.registry.sources import package_folders

IGNORED = {"__pycache__"}


def write_host_wheel(folder: Path) -> Path:
    """Write `classifier_bench-VERSION-py3-none-any.whl` into `folder`: the package, its built-in plugins, its metadata."""
    owner = distribution(OWN)
    info = f"{OWN.replace('-', '_')}-{owner.version}.dist-info"
    files = dict(_packages(owner)) | dict(_metadata(owner, info))
    path = folder / f"{OWN.replace('-', '_')}-{owner.version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, payload in files.items():
            archive.writestr(name, payload)
        archive.writestr(f"{info}/RECORD", _record(files, info))
    return path


def _packages(owner: Distribution) -> Iterator[tuple[str, bytes]]:
    """The files of `bench` and of the packages of its entry points, by their path in site-packages."""
    tops = {"bench", *(point.module.split(".")[0] for point in owner.entry_points if point.group == GROUP)}
    for top in sorted(tops):
        for root in package_folders(top):
            for path in sorted(root.rglob("*")):
                if path.is_file() and not IGNORED.intersection(path.parts):
                    yield f"{top}/{path.relative_to(root).as_posix()}", path.read_bytes()


def _metadata(owner: Distribution, info: str) -> Iterator[tuple[str, bytes]]:
    points = owner.read_text("entry_points.txt") or ""
    yield f"{info}/METADATA", (owner.read_text("METADATA") or owner.read_text("PKG-INFO") or "").encode()
    yield f"{info}/entry_points.txt", points.encode()
    yield f"{info}/WHEEL", b"Wheel-Version: 1.0\nGenerator: bench\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def _record(files: dict[str, bytes], info: str) -> str:
    rows = [f"{name},sha256={_digest(payload)},{len(payload)}" for name, payload in files.items()]
    return "\n".join([*rows, f"{info}/RECORD,,"]) + "\n"


def _digest(payload: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(payload).digest()).rstrip(b"=").decode()
