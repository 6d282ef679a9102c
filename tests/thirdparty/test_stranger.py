"""A complete stranger's distribution: built as a wheel, installed into its own environment, listed, run and tested."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent / "bench-gaussian"


@dataclass
class Stranger:
    """An environment of its own, which borrows the heavy packages of the running one and adds the stranger's wheel."""

    folder: Path
    wheel: Path

    def python(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return _python(self.folder, *arguments, check=check)

    def bench(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.python("-m", "bench", *arguments, check=False)


def _python(folder: Path, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    variables = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    variables |= {"BENCH_CACHE": str(folder / "cache"), "OMP_NUM_THREADS": "1", "COLUMNS": "200"}
    done = subprocess.run(
        [folder / "env" / "bin" / "python", *arguments], cwd=folder, env=variables, text=True, capture_output=True,
        stdin=subprocess.DEVNULL, timeout=500,
    )  # fmt: skip
    assert not check or done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.fixture(scope="module")
def stranger(tmp_path_factory) -> Stranger:
    folder = tmp_path_factory.mktemp("stranger")
    shutil.copytree(SOURCE, folder / "source", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info", "build"))
    subprocess.run([sys.executable, "-m", "venv", folder / "env"], check=True)
    borrowed = "".join(
        f"import site; site.addsitedir({sysconfig.get_path(kind)!r})\n" for kind in ("purelib", "platlib")
    )
    own = Path(_python(folder, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").stdout.strip())
    (own / "borrowed.pth").write_text(borrowed)
    build = "from setuptools import build_meta; build_meta.build_wheel('../wheels')"  # as any front end does
    (folder / "wheels").mkdir()
    subprocess.run([sys.executable, "-c", build], cwd=folder / "source", check=True, capture_output=True)
    (wheel,) = (folder / "wheels").iterdir()
    _python(folder, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", str(wheel))
    (folder / "source" / "tests").rename(folder / "tests")
    shutil.rmtree(folder / "source")  # from here on there is only what was installed
    return Stranger(folder, wheel)


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
    done = stranger.python("-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", some, "tests", check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "6 passed" in done.stdout
