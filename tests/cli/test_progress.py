"""Progress counts jobs, and tells a time only if every job left is known."""

import pytest

from bench.cli.jobs_left import Jobs, duration
from bench.cli.progress import Lines


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [0.0]
    monkeypatch.setattr("bench.cli.jobs_left.time.monotonic", lambda: now[0])
    return now


def jobs(estimates: dict[str, float | None], at_once: int = 1) -> Jobs:
    made = Jobs(at_once)
    made.expect(estimates)
    return made


def test_jobs_are_counted_and_the_guide_is_not_one() -> None:
    counted = jobs({"a seed 0": None, "a seed 1": None})
    counted.ended("the guide", 5.0)
    assert counted.text() == "0 of 2 jobs"


def test_another_plan_is_counted_anew() -> None:
    counted = jobs({"a seed 0": None})
    counted.ended("a seed 0", 5.0)
    counted.expect({"b seed 0": None, "b seed 1": None})
    assert counted.text() == "0 of 2 jobs"


@pytest.mark.usefixtures("clock")
def test_the_time_left_comes_from_earlier_runs_and_is_shared_by_processes() -> None:
    estimates: dict[str, float | None] = {"a seed 0": 120.0, "b seed 0": 120.0}
    assert jobs(estimates).text() == "0 of 2 jobs, about 4 min left"
    assert jobs(estimates, at_once=2).text() == "0 of 2 jobs, about 2 min left"


@pytest.mark.usefixtures("clock")
def test_no_time_is_told_if_one_job_is_unknown() -> None:
    assert jobs({"a seed 0": 120.0, "b seed 0": None}).text() == "0 of 2 jobs"


@pytest.mark.usefixtures("clock")
def test_a_finished_seed_tells_how_long_the_others_take() -> None:
    counted = jobs({"a seed 0": None, "a seed 1": None, "a seed 2": None})
    counted.ended("a seed 0", 60.0)
    assert counted.text() == "1 of 3 jobs, about 2 min left"


def test_what_a_job_has_run_for_is_taken_off(clock: list[float]) -> None:
    counted = jobs({"a seed 0": 60.0})
    counted.started("a seed 0")
    clock[0] = 20.0
    assert counted.text() == "0 of 1 jobs, about 40 s left"


def test_the_longest_job_left_bounds_the_time(clock: list[float]) -> None:
    assert jobs({"a seed 0": 600.0, "b seed 0": 10.0}, at_once=8).text() == "0 of 2 jobs, about 10 min left"


def test_no_time_is_told_if_nobody_knows_how_many_jobs_run_at_once() -> None:
    assert jobs({"a seed 0": 120.0}, at_once=0).text() == "0 of 1 jobs"


def test_counting_is_not_slower_with_many_jobs() -> None:
    """What the text is made of: the groups and the jobs at work, not all jobs."""
    counted = jobs({f"a seed {n}": 1.0 for n in range(3_000)}, at_once=4)
    for n in range(2_999):
        counted.started(f"a seed {n}")
        counted.ended(f"a seed {n}", 2.0)
    assert counted.text() == "2999 of 3000 jobs, about 2 s left"
    assert not counted._running


def test_a_job_that_failed_says_so_and_why(capsys: pytest.CaptureFixture[str]) -> None:
    lines = Lines(None, jobs({"oops seed 0": None}))  # type: ignore[arg-type]
    lines.started("oops seed 0")
    lines.ended("oops seed 0", "failed", "sampling: values outside [0, 1]", 1.2)
    assert capsys.readouterr().err.splitlines()[1:] == [
        "oops seed 0: failed: sampling: values outside [0, 1] (1.2 s)",
        "1 of 1 jobs",
    ]


@pytest.mark.parametrize(("seconds", "text"), [(0.2, "1 s"), (40, "40 s"), (180, "3 min"), (9000, "2.5 h")])
def test_a_duration_is_rounded(seconds: float, text: str) -> None:
    assert duration(seconds) == text
