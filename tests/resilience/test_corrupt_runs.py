"""What a run left behind and something spoiled: named in one sentence, set aside, and made again.

That whole runs notice corrupt files and end with the same numbers is tested in tests/runs/test_promises.py, that trainings
with corrupt checkpoints do in tests/test_run.py, and that boards are set aside in tests/boards/test_files.py.
"""

import io
import json
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
import torch
from surroundings import BENCH, run

from bench.api import Data, Spec
from bench.cli.explain import explain_key
from bench.errors import BenchError
from bench.experiment.job import Job
from bench.metrics.cache import Cache
from bench.results.record import Record
from bench.results.run_dir import RunDir, check_writable, jobs_in, look, parse_records
from bench.results.samples import pack_samples, unpack_samples
from bench.training_run import Run
from bench.util.atomic import write_atomic, write_checksummed, write_json

JOB = Job(
    entry="good", plugin="p", distribution="d", version="1", source="s", settings=(), config={}, dataset="digits",
    board="digits", data_digest="0", seed=0, budget="smoke", images=10, samples=4, reference=10, train_size=10,
    test_size=4, oracle="morphology", oracle_key="", guide="g", guide_key="g",
    judge="j", judge_key="j", device="cpu", torch="2",
)  # fmt: skip
RECORD = Record(
    "digits", "good", "p", "d", "1", "", 0, "smoke", "fd", "fd:v1", 0.5, 9, "ok", "", "g@1", "j@1", "cpu", "k"
)
SPEC = Spec("digits", 1, 8, ("a", "b"))


@pytest.fixture
def folder(tmp_path: Path) -> RunDir:
    made = RunDir(tmp_path / "runs", JOB)
    made.create()
    made.write_record("fd", "k", [RECORD])
    made.write("train.json", {"model": "ab", "costs": {"train-images": 10.0}, "resumed_images": 0})
    made.write_bytes("samples-4.npz", pack_samples(drawn(), True))
    return made


def drawn(n: int = 4) -> Data:
    return Data(SPEC, torch.zeros(n, 1, 8, 8, dtype=torch.uint8), torch.zeros(n, dtype=torch.int64))


def checksummed(payload: bytes) -> bytes:
    """Other content with a digest that is right: as JSON if it is, else as a binary file."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        try:
            write_json(path, json.loads(payload))
        except (ValueError, RecursionError):
            write_checksummed(path, payload)
        return path.read_bytes()


def last_digit_changed(old: bytes) -> bytes:
    """Of the content, not of its layout."""
    at = max(at for at, byte in enumerate(old) if byte in b"0123456789")
    return old[:at] + (b"1" if old[at : at + 1] != b"1" else b"2") + old[at + 1 :]


READ: dict[str, tuple[str, Callable[[RunDir], object]]] = {
    "record": ("records/fd-k.json", lambda folder: folder.record("fd", "k")),
    "training": ("train.json", lambda folder: folder.model_digest()),
    "costs": ("train.json", lambda folder: folder.costs("train.json") or None),
    "samples": ("samples-4.npz", lambda folder: folder.read_bytes("samples-4.npz", unpack)),
}
SPOIL: dict[str, Callable[[bytes], bytes]] = {
    "another digit": last_digit_changed,
    "a digest of another": lambda old: re.sub(rb"[0-9a-f]{64}", b"0" * 64, old),
    "cut short": lambda old: old[: len(old) // 2],
    "empty": lambda old: b"",
    "zeros": lambda old: bytes(len(old)),
    "something else": lambda old: checksummed(b'[{"model": 1}]'),
    "nothing": lambda old: checksummed(b"[]"),
    "lists in lists": lambda old: checksummed(b"[" * 100_000),
    "not JSON": lambda old: checksummed(b"\xff\xfe"),
}


def unpack(payload: bytes) -> tuple[Data, bool]:
    return unpack_samples(payload, SPEC, 4)


@pytest.mark.parametrize("spoil", SPOIL)
@pytest.mark.parametrize("what", READ)
def test_a_spoiled_file_of_a_run_is_set_aside_with_a_sentence_and_counts_as_missing(
    folder: RunDir, what: str, spoil: str, caplog: pytest.LogCaptureFixture
):
    name, read = READ[what]
    path = folder.path / name
    assert read(folder) is not None
    path.write_bytes(SPOIL[spoil](path.read_bytes()))
    spoiled = path.read_bytes()
    assert read(folder) is None
    assert path.with_name(path.name + ".corrupt").read_bytes() == spoiled
    (warning,) = caplog.messages
    assert warning.startswith(f"{path} is corrupt: ")
    assert warning.endswith(f"; moved to {path.name}.corrupt, will be rebuilt")
    assert "\n" not in warning
    assert read(folder) is None
    assert len(caplog.messages) == 1


ROWS: dict[str, list[dict[str, Any]]] = {
    "of another measurement": [replace(RECORD, key="other").to_dict()],
    "without a seed": [{name: value for name, value in RECORD.to_dict().items() if name != "seed"}],
    "whose value is text": [RECORD.to_dict() | {"value": "0.5"}],
    "whose entry is a number": [RECORD.to_dict() | {"entry": 7}],
    "of no known status": [RECORD.to_dict() | {"status": "splendid"}],
    "whose seed is none": [RECORD.to_dict() | {"seed": None}],
}


@pytest.mark.parametrize("what", ROWS)
def test_a_record_that_cannot_be_one_is_measured_again(folder: RunDir, what: str, caplog: pytest.LogCaptureFixture):
    folder.write("records/fd-k.json", ROWS[what])
    assert folder.record("fd", "k") is None
    assert "fd-k.json is corrupt: " in caplog.text


@pytest.mark.parametrize("n", [3, 5])
def test_samples_of_another_number_are_drawn_again(folder: RunDir, n: int):
    folder.write_bytes("samples-4.npz", pack_samples(drawn(n), True))
    assert READ["samples"][1](folder) is None


def test_of_what_can_be_made_again_one_spoiled_file_is_kept(folder: RunDir):
    path = folder.path / "train.json"
    for content in (b"first", b"second"):
        path.write_bytes(content)
        assert folder.model_digest() is None
    assert path.with_name("train.json.corrupt").read_bytes() == b"second"


def test_a_file_that_cannot_be_read_is_a_sentence(folder: RunDir):
    (folder.path / "train.json").unlink()
    (folder.path / "train.json").mkdir()
    with pytest.raises(BenchError, match=r"train\.json cannot be read: Is a directory"):
        folder.model_digest()


def test_a_spoiled_file_in_a_folder_that_cannot_be_written_counts_as_missing(
    folder: RunDir, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    def refuse(self: Path, target: Path) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(Path, "replace", refuse)
    (folder.path / "train.json").write_bytes(b"")
    assert folder.model_digest() is None
    assert "train.json is corrupt" in caplog.text


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"[]", b"[" * 100_000, b"\xff", b'{"key": 1, "training": {}, "job": {}}']
)
def test_a_job_that_is_none_is_passed_over_with_a_sentence(
    folder: RunDir, content: bytes, caplog: pytest.LogCaptureFixture
):
    runs = folder.path.parents[2]
    other = RunDir(runs, replace(JOB, seed=1))
    other.create()
    (folder.path / "job.json").write_bytes(content)
    assert [path for path, _ in jobs_in(runs)] == [other.path]
    assert f"skipping {folder.path / 'job.json'}: not a valid job file" in caplog.text
    assert explain_key(runs, other.job.key[:8])["key"] == other.job.key
    folder.create()
    assert len(list(jobs_in(runs))) == 2


@pytest.mark.parametrize("key", ["", "ab", "*" * 8, "../../x", "[!a]" * 3, "\0" * 8, "G" * 8, "a" * 65, "\udcff" * 6])
def test_a_key_that_is_none_is_a_sentence(folder: RunDir, key: str):
    with pytest.raises(BenchError, match=r"no result in .* has a key starting with"):
        explain_key(folder.path.parents[2], key)


def test_looking_sets_nothing_aside(folder: RunDir):
    path = folder.path / "records" / "fd-k.json"
    assert look(path, parse_records) == [RECORD]
    path.write_bytes(b"x")
    assert look(path, parse_records) is None
    assert path.read_bytes() == b"x"


@pytest.mark.parametrize("spoil", SPOIL)
def test_a_corrupt_manifest_does_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spoil: str):
    from bench.results import manifest

    path = tmp_path / "manifest.json"
    monkeypatch.setattr(manifest, "_path", lambda runs, request: path)
    write_json(tmp_path / "row.json", [RECORD.to_dict()])
    manifest.write_manifest(tmp_path, _Request(), [tmp_path / "row.json"], [], {})  # type: ignore[arg-type]
    assert manifest.find_manifest(tmp_path, _Request()) == [RECORD]  # type: ignore[arg-type]
    for spoiled in (path, tmp_path / "row.json"):
        whole = spoiled.read_bytes()
        spoiled.write_bytes(SPOIL[spoil](whole))
        assert manifest.find_manifest(tmp_path, _Request()) is None  # type: ignore[arg-type]
        spoiled.write_bytes(whole)


@pytest.mark.parametrize("data", [[2**31], [0], [None], ["\0"], {"a": 1}, 7])
def test_a_manifest_of_invalid_files_does_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: object):
    from bench.results import manifest

    path = tmp_path / "manifest.json"
    monkeypatch.setattr(manifest, "_path", lambda runs, request: path)
    write_json(path, {"records": [], "data": data, "stamps": []})
    assert manifest.find_manifest(tmp_path, _Request()) is None  # type: ignore[arg-type]


class _Request:
    budget = "smoke"


# Checkpoints and caches


class Net(torch.nn.Linear):
    def fit(self, run: Run, stop: int | None = None) -> None:
        spec = Spec("x", 1, 8, ("a", "b"))
        data = Data(spec, torch.zeros(8, 1, 8, 8, dtype=torch.uint8), torch.zeros(8, dtype=torch.int64))
        for step, _ in enumerate(run.batches(data, 4, 24)):
            if step == stop:
                return


def other_checkpoint() -> bytes:
    buffer = io.BytesIO()
    torch.save({"phase": "another"}, buffer)
    return buffer.getvalue()


@pytest.mark.parametrize("spoil", [*SPOIL, "of another phase"])
def test_a_spoiled_checkpoint_is_set_aside_and_its_steps_are_redone(
    tmp_path: Path, spoil: str, caplog: pytest.LogCaptureFixture
):
    Net(1, 1).fit(Run(torch.nn.Linear(1, 1), images=24, folder=tmp_path, checkpoint_every=-1), stop=3)
    path = tmp_path / "0-train.ckpt"
    spoiling = SPOIL.get(spoil, lambda old: checksummed(other_checkpoint()))
    path.write_bytes(spoiling(path.read_bytes()))
    spoiled = path.read_bytes()
    run = Run(torch.nn.Linear(1, 1), images=24, folder=tmp_path)
    Net(1, 1).fit(run)
    assert run.resumed_images == 0
    assert path.with_name("0-train.ckpt.corrupt").read_bytes() == spoiled
    assert str(path) in caplog.text


@pytest.mark.parametrize("spoil", SPOIL)
def test_spoiled_features_are_set_aside_and_made_again(tmp_path: Path, spoil: str, caplog: pytest.LogCaptureFixture):
    made: list[int] = []
    make = lambda: made.append(1) or np.arange(6.0)  # noqa: E731
    Cache(tmp_path).get("fd", ("a",), make)
    [path] = tmp_path.rglob("*.npy")
    path.write_bytes(SPOIL[spoil](path.read_bytes()))
    assert (Cache(tmp_path).get("fd", ("a",), make) == np.arange(6.0)).all()
    assert len(made) == 2
    assert path.with_name(path.name + ".corrupt").exists()
    assert str(path) in caplog.text


def test_a_cache_that_fills_up_costs_time_and_no_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert (Cache(tmp_path).get("fd", ("a",), lambda: np.arange(6.0)) == np.arange(6.0)).all()
    assert "they are computed again in each run" in caplog.text
    assert not list(tmp_path.rglob("*.npy"))
    assert not list(tmp_path.rglob("*.tmp"))


def test_a_disk_with_no_room_is_found_before_any_compute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(BenchError, match=r"cannot write to .*: No space left on device; choose another --runs"):
        check_writable(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_of_a_run_has_a_name_for_any_text(tmp_path: Path):
    names = ["folder:" + os.fsdecode(b"/p\xffts"), "..", "a/b", "\ud800", "x" * 500, "."]
    paths = {RunDir(tmp_path, replace(JOB, dataset=name)).path for name in names}
    assert len(paths) == len(names)
    assert all(path.relative_to(tmp_path).parts[0] not in (".", "..") and len(path.parts[-3]) < 100 for path in paths)


# Through the command line


def test_a_spoiled_board_is_a_sentence_and_stays(tmp_path: Path):
    (tmp_path / "digits.csv").write_text("<<<<<<< HEAD\n")
    answer = run([*BENCH, "leaderboard", "digits", "--leaderboards", "."], tmp_path)
    assert answer.returncode == 2
    assert answer.stderr.count("\n") == 1
    assert "digits.csv has a git merge conflict; bench leaderboard digits --merge" in answer.stderr
    assert (tmp_path / "digits.csv").read_text() == "<<<<<<< HEAD\n"


def test_a_spoiled_job_does_not_keep_others_from_being_explained(folder: RunDir, tmp_path: Path):
    shutil.copytree(folder.path, folder.path.with_name("seed1-x"))
    (folder.path.with_name("seed1-x") / "job.json").write_text('{"key": "abc')
    answer = run([*BENCH, "explain", JOB.key[:8]], tmp_path)
    assert answer.returncode == 0, answer.stderr
    assert JOB.key in answer.stdout
    assert "seed1-x/job.json: not a valid job file" in answer.stderr


@pytest.mark.parametrize("durable", [True, False])
def test_only_what_cannot_be_made_again_waits_for_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, durable: bool
):
    waited: list[int] = []
    monkeypatch.setattr(os, "fsync", waited.append)
    write_atomic(tmp_path / "record.json", b"new", durable)
    assert (tmp_path / "record.json").read_bytes() == b"new"
    assert len(waited) == durable
