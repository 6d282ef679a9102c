"""The environments of tox.ini, and the jobs that run them."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from tox_ini import environments

ROOT = Path(__file__).parents[2]
LISTED = environments(ROOT / "tox.ini")


def test_braces_are_expanded(tmp_path: Path) -> None:
    (tmp_path / "tox.ini").write_text("[tox]\nenv_list = lint, a-{b,c_d}, py{1,2}\n")
    assert environments(tmp_path / "tox.ini") == ["lint", "a-b", "a-c_d", "py1", "py2"]


def test_there_is_an_environment_for_each_plugin() -> None:
    folders = {path.name for path in (ROOT / "plugins").iterdir() if any(path.glob("bench_*/__init__.py"))}
    assert {name.removeprefix("plugin-") for name in LISTED if name.startswith("plugin-")} == folders != set()


@pytest.mark.skipif(shutil.which("jq") is None, reason="jq is not installed")
@pytest.mark.parametrize(
    ("select", "names"), [("-vx", [name for name in LISTED if name != "lowest"]), ("-x", ["lowest"])]
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
