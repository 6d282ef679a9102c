"""What cannot be measured here and now is measured as soon as it can be, and costs no training."""

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from bench.errors import BenchError
from bench.evaluation.pending import missing_metrics
from bench.execution.plan import make_plan
from bench.experiment.keys import content_key
from bench.experiment.request import ClassifierRef, DatasetRef, RunRequest
from bench.metrics import METRICS
from bench.metrics.features import inception
from bench.results import manifest
from bench.results.record import Record
from bench.results.run_dir import RunDir

REQUEST = RunRequest(plugins="gmm", dataset=DatasetRef("digits"), seeds=(0,), budget="smoke", set=(),
                     guide=ClassifierRef("resnet-xs"), judge=ClassifierRef("resnet-s"), device="cpu", jobs=1,
                     threads=1)  # fmt: skip
(FID,) = (metric for metric in METRICS if metric.name == "fid")


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory: pytest.TempPathFactory) -> RunDir:
    """Of a job of which everything is measured, but for the FID, whose weights were missing."""
    (job,) = (job for job in make_plan(REQUEST).jobs if job.entry == "gmm")
    folder = RunDir(tmp_path_factory.mktemp("runs"), job)
    for metric in METRICS:
        key = content_key(job.measuring(metric))
        rows = [
            Record.of(
                job,
                metric.name,
                key,
                metric.protocol(job.scale),
                guide="g",
                judge="j",
                status="skipped",
                reason="no weights",
            )
        ]
        (folder.write_unavailable if metric == FID else folder.write_record)(metric.name, key, rows)
    return folder


def test_a_metric_without_weights_is_done_until_they_are_there(
    run_dir: RunDir, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bench.metrics.metric.absent", lambda space: "no weights" if space == "inception" else "")
    assert missing_metrics(run_dir) == []
    monkeypatch.setattr("bench.metrics.metric.absent", lambda space: "")
    assert missing_metrics(run_dir) == [FID]


def test_a_metric_that_another_thing_is_missing_for_now_gets_the_new_reason(
    run_dir: RunDir, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bench.metrics.metric.absent", lambda space: "no package" if space == "inception" else "")
    assert missing_metrics(run_dir) == [FID]


def test_the_rows_of_what_was_missing_are_not_those_of_a_measurement(run_dir: RunDir) -> None:
    key = content_key(run_dir.job.measuring(FID))
    assert run_dir.record("fid", key) is None
    assert [row.status for row in run_dir.unavailable("fid", key) or []] == ["skipped"]


def test_a_finished_run_is_another_one_when_weights_come_or_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BENCH_INCEPTION", str(tmp_path / "weights.pth"))
    paths = [manifest._path(tmp_path, REQUEST)]
    for content in ("weights", "other weights"):
        (tmp_path / "weights.pth").write_text(content)
        paths.append(manifest._path(tmp_path, REQUEST))
    monkeypatch.setattr(manifest, "find_spec", lambda name: None)
    paths.append(manifest._path(tmp_path, REQUEST))
    assert len(set(paths)) == 4
    assert manifest._path(tmp_path, REQUEST) == paths[-1]


def test_the_same_words_in_another_folder_are_another_request(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = []
    request = replace(REQUEST, dataset=DatasetRef("folder", "data"))
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        paths.append(manifest._path(tmp_path, request))
    assert paths[0] != paths[1]
    assert manifest._path(tmp_path, replace(request, dataset=DatasetRef("folder", "../b/data"))) != paths[0]


def test_a_new_version_of_a_numerical_library_is_looked_at_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    before = manifest._path(tmp_path, REQUEST)
    monkeypatch.setattr(manifest, "version", lambda name: "99.0" if name == "scipy" else "1.0")
    other = manifest._path(tmp_path, REQUEST)
    monkeypatch.setattr(manifest, "version", lambda name: "1.0")
    assert len({before, other, manifest._path(tmp_path, REQUEST)}) == 3


@pytest.mark.parametrize("content", ["print('a Python file')", ""])
def test_a_file_that_is_not_the_weights_is_told_before_any_computation(
    content: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other.pth"
    other.write_text(content)
    monkeypatch.setenv("BENCH_INCEPTION", str(other))
    with pytest.raises(
        BenchError, match=f"other.pth holds other weights .*got {hashlib.sha256(content.encode()).hexdigest()}"
    ):
        make_plan(REQUEST)
    assert "holds other weights" in inception.absent()


def test_weights_that_were_named_and_are_not_there_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENCH_INCEPTION", str(tmp_path / "none.pth"))
    with pytest.raises(BenchError, match=r"BENCH_INCEPTION: no such file: .*none\.pth"):
        make_plan(REQUEST)


def test_the_names_of_the_weights_agree() -> None:
    assert manifest.INCEPTION == inception.FILE
