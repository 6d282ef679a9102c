"""Which files a plugin consists of, found without importing it.

They are the files that its distribution has installed, and whatever its modules import from where they lie: second
modules, subpackages, data files. Files of other distributions, caches and results do not belong to it.
"""

import ast
import re
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.metadata import Distribution, PackageNotFoundError, distribution, packages_distributions
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from bench.registry.groups import installed

IGNORED_FOLDERS = {"__pycache__", "build", "dist", "docs", "env", "leaderboards", "node_modules", "runs", "venv"}
IGNORED_ENDINGS = (".pyc", ".pyo", ".log", ".md", ".lock", ".egg-link", ".pth")
IGNORED_NAMES = {"claims.toml", "tuning.toml"}  # about results, which they do not decide
METADATA = (".dist-info", ".egg-info")
PROJECT = ("pyproject.toml", "setup.py", "setup.cfg")
IMPORTS = ("import_module", "__import__")  # functions whose first argument is the name of a module


class Unit(NamedTuple):
    """A package or a module in one file, and the folder on the import path in which it was found."""

    root: Path
    path: Path


def plugin_files(module: str) -> dict[str, Path]:
    """The files of the plugin that provides `module`, by their path within the folder that holds them."""
    files: dict[str, Path] = {}
    owner = _distribution(module)
    start = locate(module)
    if owner is not None and not _is_the_host(owner):
        if files := _installed(owner):
            return files
        for root in {unit.root for unit in start}:
            files |= _of_folder(root, root) if _is_for_one(root, owner) else {}
    for unit in _reached(start, owner):
        files |= _of_unit(unit)
    return files


def locate(module: str) -> list[Unit]:
    """The package that holds `module`, or its file; in a namespace the part that is a package or a file.

    Several if a namespace is spread over several folders, none if there is no such module. Imports nothing.
    """
    top, *below = module.partition(":")[0].split(".")
    try:
        spec = find_spec(top)
    except (ImportError, ValueError, AttributeError):
        return []
    if spec is None:
        return []
    if spec.origin not in (None, "namespace", "built-in", "frozen"):
        path = Path(str(spec.origin))
        path = path.parent if spec.submodule_search_locations else path
        return [Unit(path.parent, path)]
    portions = [Path(folder) for folder in spec.submodule_search_locations or ()]
    return [found for portion in portions if (found := _within(portion, below, portion.parent))]


def _within(namespace: Path, below: list[str], root: Path) -> Unit | None:
    """The first package or file on the way down from a namespace; the namespace itself does not count."""
    if not below:
        return None
    folder, file = namespace / below[0], namespace / f"{below[0]}.py"
    if (folder / "__init__.py").is_file():
        return Unit(root, folder)
    if file.is_file():
        return Unit(root, file)
    return _within(folder, below[1:], root) if folder.is_dir() else None


def _distribution(module: str) -> Distribution | None:
    """The distribution that provides a plugin with this module."""
    module = module.partition(":")[0]
    points = installed()
    exact = [point for point in points if point.module == module]
    alike = [point for point in points if point.module.split(".")[0] == module.split(".")[0]]
    for point in exact or alike:
        if point.dist is not None:
            return point.dist
    names = _owners().get(module.split(".")[0], [])
    try:
        return distribution(names[0]) if len(set(names)) == 1 else None
    except PackageNotFoundError:
        return None


@cache
def _owners() -> dict[str, list[str]]:
    """The distributions of each top-level module, as their metadata say."""
    return dict(packages_distributions())


def _is_the_host(owner: Distribution) -> bool:
    """The built-in plugins share a distribution with the host: each has its own package only."""
    return any(point.name == "bench" and point.group == "console_scripts" for point in owner.entry_points)


def _installed(owner: Distribution) -> dict[str, Path]:
    """What the distribution has installed, by its list of files."""
    found = {}
    for name in owner.files or ():
        path = Path(str(owner.locate_file(name)))
        script = name.parts[0] == ".." or "__editable__" in name.parts[0]
        if not script and not _is_ignored(Path(str(name))) and path.is_file():
            found[str(name)] = path
    return found


def _is_for_one(root: Path, owner: Distribution) -> bool:
    """Whether a folder on the import path holds this distribution alone: one that was made for it, no checkout."""
    metadata = [path for ending in METADATA for path in root.glob(f"*{ending}")]
    if len(metadata) != 1 or any((root / name).exists() for name in PROJECT):
        return False
    return metadata[0].name.lower().replace("_", "-").startswith(owner.name.lower().replace("_", "-"))


def _reached(start: Iterable[Unit], owner: Distribution | None) -> Iterator[Unit]:
    """The units themselves and those that they import, directly or not, from the same folders."""
    waiting, seen = list(start), set[Unit]()
    roots = {unit.root for unit in waiting}
    while waiting:
        unit = waiting.pop()
        if unit in seen:
            continue
        seen.add(unit)
        yield unit
        for name in _imported(unit):
            waiting += [other for other in locate(name) if other.root in roots and not _is_foreign(other, owner)]


def _is_foreign(unit: Unit, owner: Distribution | None) -> bool:
    """Whether a module that lies beside the plugin belongs to another distribution, or to the host."""
    top = unit.path.relative_to(unit.root).parts[0].removesuffix(".py")
    if top == "bench":
        return True
    metadata = [path for ending in METADATA for path in unit.root.glob(f"*{ending}")]
    if len(metadata) < 2:
        return False
    owners = _owners().get(top, [])
    return bool(owners) and (owner is None or owner.name not in owners)


def _imported(unit: Unit) -> set[str]:
    """The absolute names of the modules that the Python files of a unit import."""
    names: set[str] = set()
    for path in _of_unit(unit).values():
        if path.suffix == ".py":
            names |= _imports_of(path.read_bytes())
    return names


@cache
def _imports_of(source: bytes) -> set[str]:
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return set()
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Call) and _name_of(node.func) in IMPORTS and node.args:
            first = node.args[0]
            names |= {first.value} if isinstance(first, ast.Constant) and isinstance(first.value, str) else set()
    return names


def _name_of(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _of_unit(unit: Unit) -> dict[str, Path]:
    """The files of a package, or a module with the files beside it that it names."""
    if unit.path.is_dir():
        return _of_folder(unit.path, unit.root)
    words = set(re.findall(rb"[\w.-]+", unit.path.read_bytes()))
    named = [path for path in unit.path.parent.iterdir() if path.name.encode() in words and path.is_file()]
    own = [path for path in unit.path.parent.glob(f"{unit.path.stem}.*") if path.is_file()]
    files = [unit.path, *(path for path in [*named, *own] if path.suffix != ".py" and not _is_ignored(Path(path.name)))]
    return {path.relative_to(unit.root).as_posix(): path for path in files}


def _of_folder(folder: Path, root: Path) -> dict[str, Path]:
    """All files of a folder but caches, results and metadata, by their path in `root`."""
    paths = sorted(path for path in folder.rglob("*") if not _is_ignored(path.relative_to(folder)) and path.is_file())
    return {path.relative_to(root).as_posix(): path for path in paths}


def _is_ignored(path: Path) -> bool:
    """`path` is relative to the folder that holds the plugin."""
    *folders, name = path.parts
    hidden = any(part.startswith(".") for part in path.parts)
    results = any(part in IGNORED_FOLDERS or part.endswith(METADATA) for part in folders)
    return hidden or results or name in IGNORED_NAMES or name.endswith(IGNORED_ENDINGS)
