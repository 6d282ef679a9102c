"""Nothing is imported from the folder in which `bench` is started."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench.execution.import_path import leave_out_current_folder

SHADOWS = (
    "timm/__init__.py",
    "torch/__init__.py",
    "numpy.py",
    "random.py",
    "bench/__init__.py",
    "sklearn.py",
    "PIL.py",
)
COMMANDS = {"module": [sys.executable, "-m", "bench"], "script": [str(Path(sys.executable).with_name("bench"))]}


@pytest.fixture
def shadowing(tmp_path: Path) -> Path:
    """A folder to stand in, whose files have the names of packages, and say so when they are imported."""
    for name in SHADOWS:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"raise RuntimeError('{name} was imported from the current folder')\n")
    return tmp_path


def call(how: str, folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    command = COMMANDS[how]
    if how == "module":  # `python -m bench` looks for bench in the current folder before it asks anybody
        (folder / "bench" / "__init__.py").unlink()
        (folder / "bench").rmdir()
    environment = os.environ | variables
    return subprocess.run(
        [*command, *arguments], cwd=folder, env=environment, capture_output=True, text=True, timeout=500
    )


@pytest.mark.parametrize("how", [pytest.param("module", marks=pytest.mark.whole), "script"])
def test_a_run_is_the_same_in_a_folder_that_holds_other_packages(how: str, shadowing: Path, examiners: Path) -> None:
    done = call(
        how, shadowing, "run", "--plugins", "classifier", "--dataset", "digits", "--budget", "smoke", "--json",
        BENCH_CACHE=str(examiners), OMP_NUM_THREADS="1",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "imported from the current folder" not in done.stderr


@pytest.mark.parametrize("how", COMMANDS)
def test_a_command_without_workers_is_the_same_too(how: str, shadowing: Path) -> None:
    done = call(how, shadowing, "list", "--json")
    assert done.returncode == 0, done.stderr


def test_the_current_folder_counts_if_it_was_asked_for(tmp_path: Path) -> None:
    (tmp_path / "bench_asked.py").write_text("raise RuntimeError('found it')\n")
    info = tmp_path / "bench_asked-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: bench-asked\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[bench]\nasked = bench_asked\n")
    without = subprocess.run([*COMMANDS["module"], "list"], cwd=tmp_path, capture_output=True, text=True, timeout=200)
    assert "asked" not in without.stdout + without.stderr
    environment = os.environ | {"PYTHONPATH": "."}
    asked = subprocess.run(
        [*COMMANDS["module"], "list"], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=200
    )
    assert "found it" in asked.stdout + asked.stderr


def test_only_the_folder_that_nobody_asked_for_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    here, there = str(tmp_path), str(tmp_path.parent)
    for path, asked, left in [
        ([here, there], "", [there]),
        ([there, "", here], "", [there, here]),
        ([here, here, there], here, [here, here, there]),
        (["", here], ".", [here]),
    ]:
        monkeypatch.setenv("PYTHONPATH", asked)
        for _ in range(2):  # the second time changes nothing
            monkeypatch.setattr(sys, "path", list(path))
            leave_out_current_folder()
            assert sys.path == left
            path = left if asked else path
