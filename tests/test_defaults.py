"""What `bench run` does when it is not told: budget, jobs and threads by the machine."""

import pytest

import bench.experiment.defaults as defaults
from bench.experiment.budget import BUDGETS

GIB = 2**30


@pytest.fixture
def machine(monkeypatch):
    """A machine without a GPU: machine(cores, memory in GiB, OMP_NUM_THREADS)."""

    def has(cores: int, memory: int = 1024, asked: str = "") -> None:
        monkeypatch.setattr(defaults, "glob", lambda pattern: [])
        monkeypatch.setattr(defaults, "cores", lambda: cores)
        monkeypatch.setattr(defaults, "_memory", lambda: memory * GIB)
        monkeypatch.setenv("OMP_NUM_THREADS", asked)

    return has


@pytest.mark.parametrize("cores", [1, 2, 64])
def test_a_job_has_one_thread_on_any_number_of_cores(machine, cores):
    machine(cores)
    assert defaults.share_cores("auto", None) == (cores, 1)


@pytest.mark.parametrize(
    ("asked", "jobs", "shared"),
    [
        ("4", None, (2, 4)),
        ("4", 3, (3, 4)),
        ("99", None, (1, 8)),
        ("", 3, (3, 2)),
        ("", 20, (20, 1)),
        ("x", None, (8, 1)),
    ],
)
def test_jobs_and_threads_can_be_asked_for(machine, asked, jobs, shared):
    machine(8, asked=asked)
    assert defaults.share_cores("cpu", jobs) == shared


def test_little_memory_means_fewer_jobs(machine):
    machine(16, memory=8)
    assert defaults.share_cores("cpu", None) == (4, 1)
    machine(16, memory=1)
    assert defaults.share_cores("cpu", None) == (1, 1)


def test_a_gpu_has_one_job_at_a_time_and_all_cores(machine):
    machine(16)
    assert defaults.share_cores("cuda:0", None) == (1, 16)
    assert defaults.share_cores("cuda:0", 4) == (4, 4)


def test_the_budget_follows_the_device(machine):
    machine(2)
    assert [defaults.default_budget(device) for device in ("auto", "cpu", "cuda:1")] == ["quick", "quick", "standard"]


@pytest.mark.parametrize(("train", "images"), [(100, 20_000), (20_000, 40_000), (30_000, 60_000), (10**6, 60_000)])
def test_an_examiner_sees_no_more_passes_than_it_needs(train, images):
    assert BUDGETS["quick"].images_for_classifier(train) == images


def test_at_smoke_an_examiner_sees_the_same_whatever_the_data():
    assert {BUDGETS["smoke"].images_for_classifier(train) for train in (10, 10**6)} == {2_560}


def test_a_probe_sees_twice_as_many_passes_within_the_same_limit():
    quick = BUDGETS["quick"]
    assert [quick.images_for_probe(train) for train in (100, 10_000, 20_000, 10**6)] == [20_000, 40_000, 60_000, 60_000]
    assert BUDGETS["smoke"].images_for_probe(10**6) == 2_560
