"""What `bench new` writes: built as a wheel, installed into an environment of its own, tested and run as it is."""

import json
import shutil
import subprocess
import sys
import tomllib
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from environment import Environment, build_wheel, create

from bench.cli import main
from bench.cli.new import KINDS

NAMES = {kind: f"fresh-{kind}" for kind in KINDS}
PACKAGES = {kind: name.replace("-", "_") for kind, name in NAMES.items()}


@dataclass
class Written:
    """The three distributions, and an environment that holds their wheels."""

    sources: dict[str, Path]
    wheels: dict[str, Path]
    environment: Environment

    def bench(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.environment.run("python", "-m", "bench", *arguments, check=False)


@pytest.fixture(scope="module")
def written(tmp_path_factory) -> Written:
    folder = tmp_path_factory.mktemp("new")
    environment = create(folder, with_project=True)
    sources, wheels = {}, {}
    for kind, name in NAMES.items():
        sources[kind] = folder / f"bench-{name}"
        assert main(["new", name, "--kind", kind, "--folder", str(sources[kind])]) == 0
        wheels[kind] = build_wheel(sources[kind], folder / f"wheel-{kind}")
        environment.install(wheels[kind])
        (sources[kind] / "tests").rename(folder / f"tests-{kind}")
        shutil.rmtree(sources[kind] / "src")  # from here on there is only what was installed
    return Written(sources, wheels, environment)


@pytest.mark.parametrize("kind", KINDS)
def test_the_wheel_holds_the_package_with_its_tables_and_types(written, kind):
    with zipfile.ZipFile(written.wheels[kind]) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    files = {"__init__.py", "claims.toml", "py.typed"} | ({"tuning.toml"} if kind == "generator" else set())
    assert held == {f"bench_{PACKAGES[kind]}/{name}" for name in files}


def test_all_are_listed_and_none_is_broken(written):
    found = json.loads(written.bench("list", "--json").stdout)
    assert found["broken"] == []
    for kind, name in NAMES.items():
        assert name in {entry["name"] for entry in found[f"{kind}s"]}


@pytest.mark.parametrize("kind", KINDS)
def test_its_own_tests_pass_at_once(written, kind):
    arguments = ("-q", "-p", "no:cacheprovider", f"tests-{kind}")
    done = written.environment.run("python", "-m", "pytest", *arguments, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "skipped" not in done.stdout


def test_the_method_is_run_on_the_data_set_with_the_classifier_as_guide(written):
    arguments = ("--plugins", NAMES["generator"], "--dataset", NAMES["dataset"], "--guide", NAMES["classifier"])
    done = written.bench("run", *arguments, "--budget", "smoke", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    rows = [row for row in json.loads(done.stdout)["records"] if row["entry"] == NAMES["generator"]]
    assert {row["status"] for row in rows} <= {"ok", "skipped"}
    assert {row["guide"].split("@")[0] for row in rows} == {NAMES["classifier"]}
    assert {"fit", "class-agreement", "fd-lite0"} <= {row["metric"] for row in rows if row["status"] == "ok"}


@pytest.mark.parametrize("kind", KINDS)
def test_its_claims_are_printed(written, kind):
    (claim,) = json.loads(written.bench("claims", NAMES[kind], "--json").stdout)
    assert claim["status"] == "not attempted"


@pytest.mark.parametrize("kind", KINDS)
def test_its_code_is_clean(kind, tmp_path, capsys):
    pytest.importorskip("ruff", reason="needs ruff: pip install ruff")
    assert main(["new", "tidy", "--kind", kind, "--folder", str(tmp_path / "it")]) == 0
    for command in (
        ["check", "--select", "E,F,I,B,UP,RUF", "--line-length", "120"],
        ["format", "--check", "--line-length", "120"],
    ):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "."], cwd=tmp_path / "it", capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("kind", KINDS)
def test_its_files_are_valid_and_name_it(kind, tmp_path, capsys):
    import yaml

    folder = tmp_path / "it"
    assert main(["new", "tidy", "--kind", kind, "--folder", str(folder)]) == 0
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    assert project["name"] == "bench-tidy"
    assert project["entry-points"]["bench"] == {"tidy": "bench_tidy"}
    assert [text.split(">=")[0] for text in project["dependencies"]] == ["classifier-bench"]
    jobs = yaml.safe_load((folder / ".github/workflows/ci.yml").read_text())["jobs"]
    assert jobs["tox"]["strategy"]["matrix"] == {"python": ["3.11", "3.12", "3.13"], "torch": ["lowest", "latest"]}
    tox = (folder / "tox.ini").read_text()
    assert "env_list = py{311,312,313}-torch{lowest,latest}" in tox
    assert "torchlowest: torch==2.9.*" in tox
    assert [path for path in folder.rglob("*") if path.is_file() and "%{" in path.read_text()] == []
