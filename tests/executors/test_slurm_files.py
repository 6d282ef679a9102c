"""How array jobs are sent and followed, with a queue that a test plays. No Slurm is needed."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from bench.errors import BenchError
from bench.execution.executors import slurm as slurm_module
from bench.execution.executors.base import Limits, Task, in_order
from bench.execution.executors.desk import reports_of
from bench.execution.executors.errand import decode_errand
from bench.execution.executors.needs import Needs
from bench.execution.executors.reports import Refusal, Report, encode_report
from bench.execution.executors.slurm import FOLDER, IDS, SlurmExecutor, end_leftovers
from bench.execution.executors.slurm_queue import minutes_of
from bench.execution.messages import Ended, FitClassifier, RunSettings, Started
from bench.experiment.device import Device
from bench.experiment.engine import Engine
from bench.experiment.request import ClassifierRef, DatasetRef

CPU = Device("cpu", 1, "float32", "a CPU")


class Queue:
    """Array jobs end at once; `answer` says what each reports, None that it is lost."""

    def __init__(self, answer) -> None:
        self.answer, self.excluded = answer, set()
        self.sent: list[list[str]] = []  # the names of the tasks of each array job
        self.minutes: list[int] = []
        self.lost: set[str] = set()

    def submit(self, call, arguments, minutes, at_once):
        jobs = []
        for (path,) in arguments:
            errand = decode_errand(Path(path).read_bytes())
            names = [task.name for task in errand.tasks]
            self.sent.append(names)
            self.minutes.append(minutes)
            jobs.append(f"7_{len(self.sent)}")
            told = self.answer(self, names)
            if told is None:
                self.lost.add(jobs[-1])
            else:
                reports_of(Path(path)).write_bytes(b"".join(map(encode_report, told)))
        return jobs

    def states(self):
        names = [f"7_{number + 1}" for number in range(len(self.sent))]
        return {name: "CANCELLED" if name in self.lost else "RUNNING" for name in names}

    def nodes(self):
        return {"n1", "n2"}


def well(queue, names):
    return [Report(name, event) for name in names for event in (Started(), Ended("ok"))]


@pytest.fixture
def play(tmp_path, monkeypatch):
    """`play(answer, options)`: the queue and the events of a guide and five jobs that come after it."""
    monkeypatch.setattr(slurm_module, "POLL", 0.001)
    monkeypatch.setattr(slurm_module, "LOOK", 0.0)
    monkeypatch.setattr(slurm_module, "GRACE", 0.0)
    monkeypatch.setattr(slurm_module, "cancel", lambda jobs: None)

    def played(answer, *options):
        queue = Queue(answer)
        monkeypatch.setattr(slurm_module, "queue_of", lambda *of: queue)
        request = SimpleNamespace(engine=Engine("slurm", options), jobs=0, threads=1, device="cpu")
        needs = Needs("cpu", 1, "a CPU", {}, "", {})
        executor = SlurmExecutor(request, needs, tmp_path / "runs", tmp_path / "cache")
        settings = RunSettings(tmp_path, tmp_path, DatasetRef("digits"), ClassifierRef("a"), ClassifierRef("b"), "smoke",
                               CPU, 30.0, None, ())  # fmt: skip
        fit = FitClassifier("guide", tmp_path / "log.txt", settings)
        jobs = [Task(f"job {n}", fit, frozenset({"the guide"})) for n in range(5)]
        events = list(executor.run([Task("the guide", fit), *jobs], Limits(600.0)))
        return queue, [(task.name, event) for task, event in events]

    return played


def ends(events) -> dict[str, str]:
    return {name: event.end for name, event in events if isinstance(event, Ended)}


def test_jobs_are_bundled_and_wait_for_the_guide(play, tmp_path):
    queue, events = play(well, ("bundle", "2"))
    assert queue.sent == [["the guide"], ["job 0", "job 1"], ["job 2", "job 3"], ["job 4"]]
    assert ends(events) == dict.fromkeys(["the guide", *(f"job {n}" for n in range(5))], "ok")
    assert queue.minutes == [20, 30, 30, 30]
    assert list((tmp_path / "runs" / FOLDER).iterdir()) == []


def test_what_a_lost_array_job_has_done_counts_and_the_rest_is_killed(play):
    def answer(queue, names):
        return None if "job 2" in names else well(queue, names)

    _, events = play(answer, ("bundle", "2"))
    assert ends(events) == {
        "the guide": "ok",
        "job 0": "ok",
        "job 1": "ok",
        "job 2": "killed",
        "job 3": "killed",
        "job 4": "ok",
    }
    [reason] = {
        event.reason.partition(";")[0] for _, event in events if isinstance(event, Ended) and event.end == "killed"
    }
    assert reason.startswith("Slurm ended the array job 7_")
    assert "(CANCELLED)" in reason


def test_a_task_that_was_lost_before_it_started_or_started_again_is_told_in_order(play):
    _, events = play(lambda queue, names: None if "job 2" in names else 2 * well(queue, names))
    tasks = {name: Task(name, None) for name, _ in events}
    told = [(task.name, type(event)) for task, event in in_order((tasks[name], event) for name, event in events)]
    assert [kind for name, kind in told if name == "job 2"] == [Started, Ended]
    again = [(tasks["job 1"], event) for event in (Started(), Started(), Ended("ok"))]
    assert [type(event) for _, event in in_order(iter(again))] == [Started, Ended]


def test_a_node_that_refuses_is_named_and_its_tasks_go_to_another(play, caplog):
    def answer(queue, names):
        return well(queue, names) if queue.excluded else [Refusal("n1", "the plugin 'toys' is not installed there")]

    queue, events = play(answer)
    assert queue.excluded == {"n1"}
    assert set(ends(events).values()) == {"ok"}
    assert "the node n1 is not used: the plugin 'toys' is not installed there" in caplog.text


def test_if_every_node_refuses_the_run_ends_with_the_reason(play):
    refusals = iter(["n1", "n2"])
    with pytest.raises(BenchError, match="no node can be used; n2: another version"):
        play(lambda queue, names: [Refusal(next(refusals), "another version")])


def test_array_jobs_of_a_host_that_was_killed_are_cancelled(tmp_path, monkeypatch, caplog):
    cancelled = []
    monkeypatch.setattr(slurm_module, "cancel", cancelled.extend)
    left = tmp_path / "0123"
    (left / "log").mkdir(parents=True)
    (left / IDS).write_text('["3_0", "3_1"]')
    end_leftovers(tmp_path)
    assert cancelled == ["3_0", "3_1"]
    assert not left.exists()
    assert "2 array jobs of an earlier run that was killed" in caplog.text


def test_the_time_of_an_array_job_comes_from_the_limits_of_its_jobs():
    assert minutes_of(Engine("slurm"), 600.0, 6, 2) == 40
    assert minutes_of(Engine("slurm", (("time", "90"),)), None, 6, 1) == 90
    with pytest.raises(BenchError, match="name that of the array jobs with time=MINUTES, or --timeout"):
        minutes_of(Engine("slurm"), None, 1, 1)
