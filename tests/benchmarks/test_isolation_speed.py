"""What it costs to give each job a process of its own. Run with `pytest tests/benchmarks --benchmark-only`."""

import os
import sys
import time
from pathlib import Path

import psutil
import pytest

HOSTILE = Path(__file__).parents[1] / "resilience" / "hostile"
FEW, MANY = 4, 24  # jobs


@pytest.fixture
def jobs(tmp_path, monkeypatch):
    """`jobs(n)`: a session of n finished jobs, so that a process starts, finds all it needs, and ends."""
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PYTHONPATH", str(HOSTILE))
    monkeypatch.syspath_prepend(str(HOSTILE))
    from bench.cli import parser
    from bench.cli.jobs_left import Jobs
    from bench.cli.progress import Lines
    from bench.cli.run import request_from
    from bench.execution.executors.base import Limits
    from bench.execution.executors.local import LocalExecutor
    from bench.execution.plan import make_plan
    from bench.execution.session import Session

    words = ["run", "--plugins", "toys", "--set", "toys.pause=0", "--dataset", "toys-dots", "--budget", "smoke"]
    options = parser().parse_args([*words, "--seeds", f"0-{MANY // 5}", "--jobs", "1"])
    plan = make_plan(request_from(options))
    limits = Limits(600, 4096, 4096)
    session = Session(
        plan, tmp_path / "runs", tmp_path / "boards", tmp_path / "cache", limits, Lines(None, Jobs(1)), LocalExecutor(1)
    )
    assert session.run() == 0
    return lambda n: session._run_jobs(list(plan.jobs[:n]))


def cpu_seconds() -> float:
    """Of this process, the server of processes, and all that it has started and seen the end of."""
    family = [psutil.Process(), *psutil.Process().children(recursive=True)]
    return sum(sum(process.cpu_times()[:4]) for process in family) - psutil.Process().cpu_times()[2]


def test_a_process_of_its_own_for_each_job(benchmark, jobs):
    """Target: `extra_info.cpu_seconds_per_job` under 2."""

    def spent(n: int) -> tuple[float, float]:
        before, started = cpu_seconds(), time.monotonic()
        jobs(n)
        return cpu_seconds() - before, time.monotonic() - started

    few, many = spent(FEW), spent(MANY)
    benchmark.extra_info["cpu_seconds_per_job"] = (many[0] - few[0]) / (MANY - FEW)
    benchmark.extra_info["seconds_per_job"] = (many[1] - few[1]) / (MANY - FEW)
    print(benchmark.extra_info, file=sys.stderr)
    benchmark.pedantic(jobs, (1,), rounds=1)
    assert os.environ["BENCH_CACHE"]
