"""Anchors are measured once on a machine: the cache keeps them for every folder of runs."""

import json
from pathlib import Path

import pytest

from bench.evaluation.shared_anchors import keep_known, take_known
from bench.execution.plan import make_plan
from bench.experiment.defaults import complete
from bench.results.run_dir import RunDir
from bench.util.atomic import read_json, write_json

RUN = "run", "--plugins", "good", "--dataset", "digits", "--budget", "smoke"


@pytest.fixture(scope="module")
def job():
    """The anchor `real` on digits."""
    request = complete(
        "gmm", "digits", split="test", labels=None, seeds="0", budget="smoke", settings=[], guide=None, judge=None,
        device="cpu", jobs=1,
    )  # fmt: skip
    return make_plan(request).jobs[0]


def filled(root: Path, job, **files: str) -> RunDir:
    folder = RunDir(root, job)
    for name, text in {"records/fd-lite0-0123.json": "1", "samples.png": "picture", **files}.items():
        path = folder.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def names(folder: RunDir) -> set[str]:
    return {path.relative_to(folder.path).as_posix() for path in folder.path.rglob("*") if path.is_file()}


def test_records_and_pictures_are_kept_and_taken_and_nothing_about_one_run(tmp_path, job):
    of_one_run = {
        "log.txt": "", "job.json": "{}", "spent.json": "{}", "environment.json": "{}", ".lock": "",
        "records/fit-0123.json": "{}", "records/x.json.corrupt": "",
    }  # fmt: skip
    keep_known(filled(tmp_path / "first", job, **of_one_run), tmp_path / "cache")
    second = RunDir(tmp_path / "second", job)
    take_known(second, tmp_path / "cache")
    assert names(second) == {"records/fd-lite0-0123.json", "samples.png"}


def test_files_that_are_there_stay_and_new_ones_replace_what_the_cache_holds(tmp_path, job):
    cache = tmp_path / "cache"
    keep_known(filled(tmp_path / "first", job), cache)
    second = filled(tmp_path / "second", job, **{"samples.png": "other"})
    take_known(second, cache)
    assert (second.path / "samples.png").read_text() == "other"
    keep_known(second, cache)
    third = RunDir(tmp_path / "third", job)
    take_known(third, cache)
    assert (third.path / "samples.png").read_text() == "other"


def test_an_empty_cache_gives_nothing(tmp_path, job):
    folder = RunDir(tmp_path / "runs", job)
    take_known(folder, tmp_path / "cache")
    assert not folder.path.exists()


def test_a_cache_that_cannot_be_written_is_only_a_warning(tmp_path, job, caplog):
    (tmp_path / "cache").write_text("a file")
    keep_known(filled(tmp_path / "first", job), tmp_path / "cache")
    assert "cannot copy the records of an anchor" in caplog.text


def test_a_run_takes_them_from_the_cache_and_verify_measures_them(bench, tmp_path):
    """A value that is changed in the cache shows whether it was read from there; a corrupt file is measured again."""
    cache = {"BENCH_CACHE": str(tmp_path / "cache")}
    first = bench(*RUN, "--runs", "first", "--json", **cache)
    assert first.code == 0, first.err
    changed, corrupt = (_record(tmp_path, name) for name in ("fd-lite0", "fd-judge"))
    rows = read_json(changed)
    write_json(changed, [rows[0] | {"value": 1234.5}])
    corrupt.write_text(corrupt.read_text().replace("value", "worth"))
    answer = bench(*RUN, "--runs", "second", "--json", **cache)
    assert answer.row("real", "fd-lite0")["value"] == 1234.5
    assert "noise seed 0: started" in first.err
    assert "noise seed 0" not in answer.err  # known in full: no process is started for it
    assert answer.row("real", "fd-judge") == first.row("real", "fd-judge")
    assert read_json(corrupt)[0]["value"] == first.row("real", "fd-judge")["value"]
    found = bench(
        "verify", "digits", "--only", "real", "--metrics", "fd-lite0", "--runs", "second", "--leaderboards",
        "second/leaderboards", "--json", **cache,
    )  # fmt: skip
    [verdict] = json.loads(found.out)
    assert (verdict["state"], verdict["measured"]) == ("different", rows[0]["value"])


def _record(folder: Path, metric: str) -> Path:
    """The file of a metric of `real` in the cache."""
    [path] = (folder / "cache/anchors").glob(f"digits/real/*/records/{metric}-[0-9a-f]*.json")
    return path
