"""A metric of a stranger: built as a wheel, installed into its own environment, tested, and measured of every job."""

import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from environment import Environment, build_wheel, create

from bench.evaluation.anchors import ANCHORS

SOURCE = Path(__file__).parent / "bench-spectrum"
RUN = "run", "--plugins", "gmm", "--dataset", "digits", "--budget", "smoke", "--jobs", "1"
PROTOCOL = r"spectrum-distance@bench-spectrum:n=100,ref=200:lower:v1-[0-9a-f]{8}"


@dataclass
class Stranger:
    """An environment that holds the wheel."""

    environment: Environment

    def bench(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.environment.run("python", "-m", "bench", *arguments, check=False)

    def run(self) -> list[dict]:
        done = self.bench(*RUN, "--json")
        assert done.returncode == 0, done.stdout + done.stderr
        return [row for row in json.loads(done.stdout)["records"] if row["metric"] == "spectrum-distance"]


@pytest.fixture(scope="module")
def stranger(tmp_path_factory) -> Stranger:
    folder = tmp_path_factory.mktemp("metric")
    shutil.copytree(SOURCE, folder / "source", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info", "build"))
    environment = create(folder, with_project=True)
    environment.install(build_wheel(folder / "source", folder / "wheels"))
    (folder / "source" / "tests").rename(folder / "tests")
    shutil.rmtree(folder / "source")  # from here on there is only what was installed
    return Stranger(environment)


@pytest.fixture(scope="module")
def rows(stranger) -> list[dict]:
    return stranger.run()


def test_it_is_listed_with_who_brings_it(stranger):
    found = json.loads(stranger.bench("list", "metrics", "--json").stdout)["metrics"]
    (row,) = (row for row in found if row["brought_by"])
    assert (row["name"], row["brought_by"], row["better"]) == ("spectrum-distance", "bench-spectrum", "lower")
    assert "bench-spectrum" in stranger.bench("info", "spectrum-distance").stdout


def test_it_keeps_its_promises_and_passes_its_own_tests(stranger):
    done = stranger.bench("test", "--plugins", "spectrum", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(done.stdout)
    assert set(report["counts"]) == {"ok"}
    assert {result["kind"] for result in report["results"]} == {"metrics"}
    some = "wave or amplitude or brightness or values_are"
    own = stranger.environment.run("python", "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", some, "tests")
    assert "6 passed" in own.stdout


def test_it_is_measured_of_every_job_and_real_images_are_the_best(rows):
    values = {row["entry"]: row["value"] for row in rows}
    assert values.keys() == {"gmm", *ANCHORS}
    assert values["real"] < values["gmm"] < values["mean"]
    assert values["real"] < values["noise"]
    (protocol,) = {row["protocol"] for row in rows}
    assert re.fullmatch(PROTOCOL, protocol)


def test_every_form_of_the_board_marks_its_column_and_names_who_brings_it(rows, stranger):
    text = " ".join(stranger.bench("leaderboard", "digits").stdout.split())
    assert "† not a metric of bench, and not ranked: spectrum-distance by bench-spectrum" in text
    folder = stranger.environment.folder / "runs" / "leaderboards"
    for name in ("digits.md", "digits.html"):
        shown = (folder / name).read_text(encoding="utf-8")
        assert "spectrum-distance ↓ †" in shown
        assert "spectrum-distance by bench-spectrum" in shown
    best = re.search(r"Best: [^.]*\.", text)
    assert best is None or "spectrum" not in best[0]


def test_nothing_is_measured_twice_until_its_files_change(rows, stranger):
    assert stranger.run() == rows
    (path,) = stranger.environment.packages.glob("bench_spectrum/spectrum.py")
    path.write_text(path.read_text().replace(".abs().mean())", ".square().mean())"))
    done = stranger.bench(*RUN, "--json")
    assert done.returncode == 0, done.stderr
    again = [row for row in json.loads(done.stdout)["records"] if row["metric"] == "spectrum-distance"]
    assert {row["protocol"] for row in again}.isdisjoint(row["protocol"] for row in rows)
    assert {row["value"] for row in again}.isdisjoint(row["value"] for row in rows)
    trained = [row for row in json.loads(done.stdout)["records"] if row["metric"] == "train-seconds" and row["value"]]
    board = (stranger.environment.folder / "runs" / "leaderboards" / "digits.csv").read_text()
    assert all(repr(row["value"]) in board for row in trained)  # the seconds of the first training


def test_without_it_its_rows_are_shown_as_they_were(rows, stranger):
    stranger.environment.run("python", "-m", "pip", "uninstall", "--quiet", "--yes", "bench-spectrum")
    text = stranger.bench("leaderboard", "digits").stdout
    assert "spectrum-" in text
    assert "by bench-spectrum" in text
