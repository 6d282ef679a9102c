"""A copy of what git tracks, from which a wheel is built."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path[:0] = map(str, Path(__file__).parents[:2])  # tox_ini.py, environment.py

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def modes() -> dict[str, str]:
    """The path of every file that git tracks, with its mode."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    listed = subprocess.run(["git", "ls-files", "--stage", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    rows = [row.split("\t") for row in listed.stdout.split("\0") if row]
    return {path: about.split()[0] for about, path in rows}


@pytest.fixture(scope="session")
def tracked(modes: dict[str, str]) -> list[str]:
    """The paths of the files that git tracks, without those deleted in the working tree."""
    return [path for path in modes if (ROOT / path).is_file()]


@pytest.fixture(scope="session")
def copied() -> Callable[[list[str], Path], Path]:
    """Copy files of the repository to a folder, each to its own path: copied(paths, folder)."""

    def copy(paths: list[str], folder: Path) -> Path:
        for path in paths:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / path, folder / path)
        return folder

    return copy
