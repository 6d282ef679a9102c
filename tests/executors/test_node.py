"""What passes between a host and a node, and what a node refuses."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from filelock import FileLock
from hypothesis import given
from hypothesis import strategies as st

from bench.errors import BenchError
from bench.execution.executors import needs as needs_module
from bench.execution.executors.base import Limits, Task
from bench.execution.executors.desk import Desk, reports_of
from bench.execution.executors.errand import Errand, decode_errand, encode_errand
from bench.execution.executors.marks import PREFIX, marked
from bench.execution.executors.needs import Needs, complaint, needs_of
from bench.execution.executors.node import refusal_of
from bench.execution.executors.parcel import PART, Part, parts_of, unpack
from bench.execution.executors.reports import Refusal, Report, encode_report, parse_report
from bench.execution.messages import Ended, FitClassifier, Fitted, Progressed, RunSettings, Started
from bench.experiment.device import find_device
from bench.experiment.request import ClassifierRef, DatasetRef

CPU = find_device("cpu", 1)


@pytest.fixture(scope="module")
def needs() -> Needs:
    """What this machine has."""
    return needs_of(SimpleNamespace(device=CPU, plugins=frozenset({"baselines", "datasets"})))


@pytest.fixture
def errand(tmp_path, needs) -> Errand:
    guide, data = ClassifierRef("resnet-xs"), DatasetRef("digits")
    settings = RunSettings(tmp_path, tmp_path, data, guide, guide, "smoke", CPU, 30.0, None, ("broken",))
    task = Task("the guide", FitClassifier("guide", tmp_path / "log.txt", settings))
    return Errand((task,), 1, Limits(60.0), needs, tmp_path / "runs" / "mark", tmp_path / "cache" / "mark")


def test_an_errand_arrives_as_it_was_sent(errand):
    assert decode_errand(encode_errand(errand)) == errand


# Versions, plugins and the device


def test_a_machine_has_what_it_needs_itself(needs):
    assert complaint(needs) == ""


def test_a_node_with_another_version_or_without_a_plugin_says_so(needs):
    other = needs.versions | {"torch": "1.0"}
    assert complaint(replace(needs, versions=other)).endswith(", and 1.0 here")
    assert "source files of classifier-bench" in complaint(replace(needs, source="0" * 16))
    more = needs.plugins | {"nowhere": ("1.0", "0" * 16)}
    assert complaint(replace(needs, plugins=more)) == "the plugin 'nowhere' is not installed there"
    version, source = needs.plugins["baselines"]
    later = {"baselines": ("99", source)}
    assert (
        complaint(replace(needs, plugins=later)) == f"the plugin 'baselines' has version {version} there, and 99 here"
    )
    changed = {"baselines": (version, "0" * 16)}
    assert "the source files of the plugin 'baselines'" in complaint(replace(needs, plugins=changed))


def test_a_node_with_another_device_says_so(needs, monkeypatch):
    assert complaint(replace(needs, device_name="NVIDIA H100, bfloat16")).endswith(
        "the plan is for 'NVIDIA H100, bfloat16'"
    )

    def no_gpu(text, threads):
        raise BenchError("device 'cuda' not found (0 CUDA devices available); try --device cpu")

    monkeypatch.setattr(needs_module, "find_device", no_gpu)
    assert "0 CUDA devices" in complaint(needs)


# Folders and locks


def test_a_node_that_sees_the_folders_and_their_locks_is_used(tmp_path, errand):
    with marked([tmp_path / "runs", tmp_path / "cache"]) as (runs, cache):
        assert refusal_of(replace(errand, runs=runs, cache=cache)) is None


def test_a_node_that_sees_a_folder_but_not_its_locks_is_refused(tmp_path, errand):
    """On a file system that is mounted with local locks a node could lock what the host holds."""
    with marked([tmp_path / "runs"]) as (runs,):
        loose = tmp_path / "cache" / "mark"
        loose.parent.mkdir()
        loose.touch()
        refused = refusal_of(replace(errand, runs=runs, cache=loose))
    assert f"locks in {loose.parent} do not reach it" in refused.reason
    assert "nolock" in refused.reason


def test_a_node_that_does_not_see_a_folder_is_refused_unless_files_are_brought_to_it(tmp_path, errand):
    assert "the run directories in" in refusal_of(errand).reason
    assert refusal_of(errand, shared=False) is None


def test_marks_are_gone_afterwards_and_those_of_killed_processes_are_swept_up(tmp_path):
    left = tmp_path / f"{PREFIX}0123.lock"
    left.touch()
    held = tmp_path / f"{PREFIX}4567.lock"
    with FileLock(held):
        with marked([tmp_path]) as (mark,):
            assert mark.exists()
            assert not left.exists()
        assert not mark.exists()
        assert held.exists()


# Reports

EVENTS = [
    Started(),
    Progressed("training", 3, 10, {"loss": 0.5}),
    Fitted("guide", "a@1", 0.5, "fitted"),
    Ended("ok", "fine"),
]


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_reports_arrive_as_they_were_sent(event):
    assert parse_report(encode_report(Report("gmm seed 0", event))) == Report("gmm seed 0", event)
    assert parse_report(encode_report(Refusal("node", "why"))) == Refusal("node", "why")


@given(st.binary() | st.text().map(str.encode))
def test_what_is_not_a_report_is_refused(line):
    try:
        parse_report(line)
    except ValueError:
        return
    raise AssertionError(line)


def test_a_desk_tells_new_reports_once_and_only_whole_lines(tmp_path, errand):
    desk = Desk(tmp_path)
    path = desk.put(errand)
    line = encode_report(Report("the guide", Started()))
    reports_of(path).write_bytes(line + b"nonsense\n" + line[:5])
    assert list(desk.news()) == [(path, Report("the guide", Started()))]
    with open(reports_of(path), "ab") as file:
        file.write(line[5:])
    assert list(desk.news()) == [(path, Report("the guide", Started()))]
    assert list(desk.news()) == []
    desk.remove(path)
    assert list(desk.path.iterdir()) == []


def test_the_time_of_files_does_not_matter(tmp_path, errand):
    """The clock of a node may differ: nothing compares its times with those of the host."""
    import os

    desk = Desk(tmp_path)
    path = desk.put(errand)
    reports_of(path).write_bytes(encode_report(Report("the guide", Started())))
    for when in (0, 2**33):
        os.utime(reports_of(path), (when, when))
        os.utime(path, (when, when))
    assert [report for _, report in desk.news()] == [Report("the guide", Started())]


# Parcels


def test_files_arrive_whole_and_records_last(tmp_path):
    there, here = tmp_path / "there", tmp_path / "here"
    (there / "records").mkdir(parents=True)
    (there / "checkpoints").mkdir()
    large = bytes(range(256)) * (PART // 256) * 2 + b"end"
    for name, content in {"records/fit-1.json": b"{}", "model.safetensors": large, "empty.txt": b"", ".lock": b"",
                          "checkpoints/1.ckpt": b"x", "zz.json": b"z"}.items():  # fmt: skip
        (there / name).write_bytes(content)
    parts = list(parts_of(there))
    assert [part.path for part in parts if not part.more][-1] == "records/fit-1.json"
    assert sum(part.path == "model.safetensors" for part in parts) == 3
    unpack(here, parts)
    found = {path.relative_to(here).as_posix() for path in here.rglob("*") if path.is_file()}
    assert found == {"records/fit-1.json", "model.safetensors", "empty.txt", "zz.json"}
    assert (here / "model.safetensors").read_bytes() == large


@pytest.mark.parametrize("path", ["../up", "/etc/passwd", "a/../../b", ""])
def test_a_file_cannot_be_written_outside_of_its_folder(tmp_path, path):
    with pytest.raises(ValueError, match="not a path within"):
        unpack(tmp_path / "here", [Part(path, b"x", more=False)])
    assert not Path(tmp_path, "up").exists()
