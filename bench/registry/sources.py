"""The files of a package, and their digests."""

import hashlib
import inspect
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path


def source_digest(module: str) -> str:
    """SHA-256 (16 hex digits) over the Python files that define `module`: its package, or its file within `bench`.

    If one of them mentions `bench.parts`, the files of that package count too. Imports the module.
    """
    top = module.split(".")[0]
    sources = _sources(module if top == "bench" else top)
    if any(b"bench.parts" in content for content in sources.values()):
        sources |= {f"bench.parts/{name}": content for name, content in _sources("bench.parts").items()}
    digest = hashlib.sha256()
    for name, content in sources.items():
        digest.update(name.encode() + b"\0" + content + b"\0")
    return digest.hexdigest()[:16]


def _sources(module: str) -> dict[str, bytes]:
    """The Python files of a package, or of a module that is one file, by their path in it."""
    path = Path(inspect.getfile(import_module(module)))
    files = sorted(path.parent.rglob("*.py")) if path.name == "__init__.py" else [path]
    return {str(file.relative_to(path.parent)): file.read_bytes() for file in files}


def package_digest(module: str) -> str:
    """SHA-256 over the Python files of the package that contains `module`. Imports nothing."""
    spec = find_spec(module.split(":")[0].split(".")[0])
    digest = hashlib.sha256()
    for folder in sorted((spec and spec.submodule_search_locations) or []):
        for file in sorted(Path(folder).rglob("*.py")):
            digest.update(f"{file.relative_to(folder)}\0".encode() + file.read_bytes() + b"\0")
    if spec and not spec.submodule_search_locations and spec.origin:
        digest.update(Path(spec.origin).read_bytes())
    return digest.hexdigest()


def package_folders(top: str) -> list[Path]:
    """The folders of a top-level package: none for a single file or a broken package. Imports nothing."""
    try:
        spec = find_spec(top)
    except (ImportError, ValueError, AttributeError):
        return []
    return [Path(folder) for folder in (spec and spec.submodule_search_locations) or () if Path(folder).is_dir()]
