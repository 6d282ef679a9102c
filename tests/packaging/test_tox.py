"""The environments of tox.ini, and the jobs that run them."""

import os
import re
import shutil
import subprocess
from itertools import product
from pathlib import Path

import pytest
from tox_ini import environments

from bench.scaffold.host import supported_pythons

ROOT = Path(__file__).parents[2]
LISTED = environments(ROOT / "tox.ini")


def test_braces_are_expanded(tmp_path: Path) -> None:
    (tmp_path / "tox.ini").write_text("[tox]\nenv_list =\n  lint, a-{b,c_d}\n  py{1,2}-{x,y}\n")
    assert environments(tmp_path / "tox.ini") == ["lint", "a-b", "a-c_d", "py1-x", "py1-y", "py2-x", "py2-y"]


def test_the_matrix_has_every_python_with_lowest_and_latest_for_the_host_and_each_plugin() -> None:
    parts = {path.name for path in (ROOT / "plugins").iterdir() if any(path.glob("bench_*/__init__.py"))} | {"host"}
    pythons = {f"py{version.replace('.', '')}" for version in supported_pythons()}
    assert len(parts) > 1
    assert {tuple(name.split("-")) for name in LISTED if "-" in name} == set(
        product(pythons, ("lowest", "latest"), parts)
    )


def test_the_first_look_is_made_of_listed_environments() -> None:
    (quick,) = re.findall(r"^    quick = (.*)$", (ROOT / "tox.ini").read_text(encoding="utf-8"), re.MULTILINE)
    assert set(quick.split(", ")) < set(LISTED)


@pytest.mark.parametrize(("env", "arguments", "called"), [
    ("py311-lowest-host", [], ["pytest -n 2 tests --ignore=tests/thirdparty"]),
    ("py313-latest-dr_vae", [], ["pytest -n 2 plugins/dr_vae", "bench test --plugins dr-vae"]),
    ("py-latest-regene", ["-k", "x"], ["pytest -n 2 -k x", "bench test --plugins regene"]),
])  # fmt: skip
def test_a_part_runs_its_tests(tmp_path: Path, env: str, arguments: list[str], called: list[str]) -> None:
    for program in ("pytest", "bench"):
        (tmp_path / program).write_text(f'#!/bin/sh\necho {program} "$@"\n')
        (tmp_path / program).chmod(0o755)
    variables = os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    done = subprocess.run(
        [ROOT / ".ci/part", env, *arguments], env=variables, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == called


@pytest.mark.skipif(shutil.which("jq") is None, reason="jq is not installed")
@pytest.mark.parametrize(
    ("select", "names"),
    [("-v", [name for name in LISTED if "lowest" not in name]), ("-e", [name for name in LISTED if "lowest" in name])],
)
def test_the_workflow_has_a_job_for_each_environment(tmp_path: Path, select: str, names: list[str]) -> None:
    workflow = (ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8")
    assert f"'{select}'" in workflow
    assert "fromJSON(needs.environments.outputs.names)" in workflow
    (command,) = re.findall(r"run: (.*GITHUB_OUTPUT.*)", workflow)
    (tmp_path / "tox").write_text("#!/bin/sh\nprintf '%s\\n' " + " ".join(LISTED))  # prints what `tox list` prints
    (tmp_path / "tox").chmod(0o755)
    variables = os.environ | {
        "PATH": f"{tmp_path}:{os.environ['PATH']}", "SELECT": select, "GITHUB_OUTPUT": str(tmp_path / "output")
    }  # fmt: skip
    subprocess.run(["bash", "-e", "-c", command], env=variables, check=True)
    quoted = ",".join(f'"{name}"' for name in names)
    assert (tmp_path / "output").read_text() == f"names=[{quoted}]\n"
