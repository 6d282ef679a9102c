"""A complete stranger's distribution: built as a wheel, installed into its own environment, listed, run and tested."""

import json
import shutil
import subprocess
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from environment import Environment, build_wheel, create

SOURCE = Path(__file__).parent / "bench-gaussian"


@dataclass
class Stranger:
    """An environment that holds the stranger's wheel."""

    environment: Environment
    wheel: Path

    def bench(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.environment.run("python", "-m", "bench", *arguments, check=False)


@pytest.fixture(scope="module")
def stranger(tmp_path_factory) -> Stranger:
    folder = tmp_path_factory.mktemp("stranger")
    shutil.copytree(SOURCE, folder / "source", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info", "build"))
    environment = create(folder, with_project=True)
    wheel = build_wheel(folder / "source", folder / "wheels")
    environment.install(wheel)
    (folder / "source" / "tests").rename(folder / "tests")
    shutil.rmtree(folder / "source")  # from here on there is only what was installed
    return Stranger(environment, wheel)


def test_the_wheel_holds_the_package_and_its_entry_point(stranger):
    assert stranger.wheel.name == "bench_gaussian-1.2.0-py3-none-any.whl"
    with zipfile.ZipFile(stranger.wheel) as archive:
        names = archive.namelist()
        points = next(name for name in names if name.endswith("entry_points.txt"))
        assert archive.read(points).decode().split() == ["[bench]", "gaussian", "=", "bench_gaussian"]
    assert {name.split("/")[0] for name in names} == {"bench_gaussian", "bench_gaussian-1.2.0.dist-info"}


def test_it_is_listed_with_its_distribution(stranger):
    done = stranger.bench("list", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    (row,) = (row for row in found["plugins"] if row["name"] == "gaussian")
    assert row["distribution"] == "bench-gaussian"
    assert row["version"] == "1.2.0"
    assert sorted(row["hooks"]) == ["bench_classifiers", "bench_datasets", "bench_generators"]
    (entry,) = (entry for entry in found["generators"] if entry["name"] == "gaussian")
    assert entry["plugin"] == "gaussian"
    assert sorted(entry["capabilities"]) == ["ClassConditional", "Encoding", "Reconstructing", "SelfClassifying"]
    assert "blobs" in {entry["name"] for entry in found["datasets"]}
    assert "perceptron" in {entry["name"] for entry in found["classifiers"]}


def test_it_is_run_and_its_row_names_it(stranger):
    arguments = ("run", "--plugins", "gaussian", "--dataset", "digits", "--budget", "smoke", "--guide", "perceptron")
    done = stranger.bench(*arguments, "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    records = [record for record in json.loads(done.stdout)["records"] if record["entry"] == "gaussian"]
    assert {record["status"] for record in records} <= {"ok", "skipped"}
    assert {record["guide"].split("@")[0] for record in records} == {"perceptron"}
    assert {(record["plugin"], record["distribution"], record["version"]) for record in records} == {
        ("gaussian", "bench-gaussian", "1.2.0")
    }
    assert {"fit", "class-agreement", "fd-lite0"} <= {record["metric"] for record in records}
    again = stranger.bench(*arguments)  # all done before: the board is printed at once
    assert again.returncode == 0, again.stderr
    assert "gaussian" in again.stdout


def test_its_data_set_can_be_run_on(stranger):
    done = stranger.bench("run", "--plugins", "gaussian", "--dataset", "blobs", "--budget", "smoke", "--dry-run")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "gaussian" in done.stdout


def test_it_keeps_its_promises(stranger):
    done = stranger.bench("test", "--plugins", "gaussian", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(done.stdout)
    assert set(report["counts"]) == {"ok"}
    assert {result["kind"] for result in report["results"]} == {"generators", "classifiers", "datasets"}


def test_its_own_tests_pass_beside_the_installed_wheel(stranger):
    some = "stream or moments or samples_are_images or logits_are_one_row or splits_agree"
    arguments = ("-q", "-p", "no:cacheprovider", "-k", some, "tests")
    done = stranger.environment.run("python", "-m", "pytest", *arguments, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "6 passed" in done.stdout
