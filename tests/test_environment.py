"""What a run directory says about where a job ran."""

import json
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

from bench.results.environment import _commit, environment


def test_it_names_python_the_system_and_the_libraries():
    facts = environment()
    assert facts["python"] == platform.python_version()
    assert facts["torch"] == version("torch")
    assert {"system", "machine", "timm", "numpy", "scipy", "classifier-bench"} <= facts.keys()
    assert all(isinstance(value, str) and value for value in facts.values())
    assert json.loads(json.dumps(facts)) == facts


def git(folder: Path, *arguments: str) -> str:
    settings = ["-c", "user.name=a", "-c", "user.email=a@b"]
    return subprocess.run(
        ["git", "-C", str(folder), *settings, *arguments], check=True, capture_output=True, text=True
    ).stdout


def test_the_commit_is_that_of_the_repository_that_tracks_the_package(tmp_path):
    package = tmp_path / "package"
    package.mkdir()
    (package / "__init__.py").write_text("")
    assert _commit(package) == ""  # in no repository
    git(tmp_path, "init", "-q")
    assert _commit(package) == ""  # in one that does not track it, as a virtual environment is
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "first")
    assert _commit(package) == git(tmp_path, "rev-parse", "HEAD").strip()[:12]
    (package / "__init__.py").write_text("x = 1")
    assert _commit(package).endswith("-dirty")
