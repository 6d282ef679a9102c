"""What a dry run estimates from earlier runs."""

import json
from dataclasses import replace
from types import SimpleNamespace

import pytest

from bench.cli.dry_run import outline_lines
from bench.execution import past as past_module
from bench.execution.outline import Cost, cost_of
from bench.execution.past import SPENT, Past
from bench.experiment.engine import Engine
from bench.util.atomic import write_json

JOB = SimpleNamespace(entry="toys", dataset="dots", device="a CPU", budget="smoke", images=1_000)


def earlier(runs, seed: int, speed: float, besides: float | None, **changes: str) -> None:
    """A finished run."""
    folder = runs / "dots" / "toys" / f"seed{seed}-0123"
    folder.mkdir(parents=True)
    job = {"entry": "toys", "dataset": "dots", "seed": seed, "device": "a CPU", "budget": "smoke"} | changes
    (folder / "job.json").write_text(json.dumps({"key": f"{seed}", "job": job, "training": job}))
    write_json(folder / "train.json", {"model": "0", "costs": {"images-per-second": speed}})
    if besides is not None:
        write_json(folder / SPENT, {"seconds": 100.0, "besides": besides})


def test_a_job_takes_its_training_and_what_earlier_jobs_took_besides(tmp_path):
    earlier(tmp_path, 0, speed=50.0, besides=7.0)
    assert Past(tmp_path).seconds(JOB) == 1_000 / 50 + 7
    assert Past(tmp_path).seconds(SimpleNamespace(**vars(JOB) | {"images": 0})) == 7


def test_runs_on_another_device_say_nothing(tmp_path):
    earlier(tmp_path, 0, speed=50.0, besides=7.0, device="another CPU")
    assert Past(tmp_path).seconds(JOB) is None


def test_earlier_runs_are_read_once_for_all_jobs(tmp_path, monkeypatch):
    for seed in range(5):
        earlier(tmp_path, seed, speed=50.0, besides=None)
    reads = []
    look = past_module.look
    monkeypatch.setattr(past_module, "look", lambda *call: reads.append(call) or look(*call))
    past = Past(tmp_path)
    first = len(reads)
    assert [past.seconds(JOB) for _ in range(100)] == [20.0] * 100
    assert len(reads) == first == 10


@pytest.fixture
def plan():
    """A plan for GPUs, two jobs on each, each with four threads."""
    device = SimpleNamespace(kind="cuda", threads=4)
    engine = Engine("slurm", (("partition", "gpu"),), jobs_per_gpu=2)
    return SimpleNamespace(request=SimpleNamespace(engine=engine), device=device)


def test_the_cost_of_a_run_counts_cores_and_shares_of_gpus(plan):
    rows = [{"seconds": 1800.0}, {"seconds": 3600.0}, {"seconds": 0.0}, {"seconds": None}]
    assert cost_of(plan, rows, at_once=1) == Cost("slurm partition=gpu", 1, 5400.0, 6.0, 0.75, 1)
    assert cost_of(plan, rows, at_once=8).seconds == 3600.0, "the longest job bounds the time"
    on_cpu = SimpleNamespace(request=SimpleNamespace(engine=Engine()), device=SimpleNamespace(kind="cpu", threads=1))
    assert cost_of(on_cpu, rows, at_once=1).gpu_hours == 0


def test_the_cost_is_a_sentence():
    cost = Cost("slurm partition=gpu", 8, 3600.0, 6.0, 0.75, 1)
    *_, sentence, unknown, _ = outline_lines([], cost, 200)
    assert sentence == (
        "About 60 min on slurm partition=gpu with 8 jobs at a time, waiting for nodes not counted; 6 core hours and "
        "0.75 GPU hours."
    )
    assert unknown == "No estimate for 1 job: no earlier run of the method on this device."
    local = replace(cost, executor="local", gpu_hours=0.0, unknown=0, at_once=1)
    assert outline_lines([], local, 200)[-2] == "About 60 min on local with 1 job at a time; 6 core hours."
