"""Digests of the files of the host and of plugins."""

import hashlib
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

from bench.registry.plugin_files import plugin_files

PARTS = "bench.parts"
LENGTH = 16  # hex digits


def source_digest(module: str) -> str:
    """SHA-256 (16 hex digits) over the files of the plugin that provides `module`, or of a package or module of `bench`.

    If one of them mentions `bench.parts`, the files of that package count too. Imports nothing.
    """
    files = host_files(module) if module.split(".")[0] == "bench" else plugin_files(module)
    contents = {name: path.read_bytes() for name, path in files.items()}
    if any(PARTS.encode() in content for name, content in contents.items() if name.endswith(".py")):
        contents |= {f"{PARTS}/{name}": path.read_bytes() for name, path in host_files(PARTS).items()}
    return digest_of(contents)[:LENGTH]


def host_files(module: str) -> dict[str, Path]:
    """The Python files of a package of `bench`, or the file of one of its modules, by their path in it."""
    folder = package_folders("bench")[0].joinpath(*module.split(".")[1:])
    files = sorted(folder.rglob("*.py")) if folder.is_dir() else [folder.with_suffix(".py")]
    return {file.relative_to(folder if folder.is_dir() else folder.parent).as_posix(): file for file in files}


def digest_of(contents: Mapping[str, bytes]) -> str:
    """SHA-256 over files by name, in any order."""
    digest = hashlib.sha256()
    for name in sorted(contents):
        digest.update(f"{name}\0{len(contents[name])}\0".encode() + contents[name])
    return digest.hexdigest()


def file_of_package(module: str, name: str) -> Path | None:
    """The file of that name in the package that a module is or is in; None if there is none. Imports nothing."""
    top, *inner = module.partition(":")[0].split(".")
    for root in package_folders(top):
        inside = root.joinpath(*inner)
        path = (inside if inside.is_dir() else inside.parent) / name
        if path.is_file():
            return path
    return None


def package_folders(top: str) -> list[Path]:
    """The folders of a top-level package: none for a single file or a broken package. Imports nothing."""
    try:
        spec = find_spec(top)
    except (ImportError, ValueError, AttributeError):
        return []
    return [Path(folder) for folder in (spec and spec.submodule_search_locations) or () if Path(folder).is_dir()]
