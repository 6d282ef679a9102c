"""Several `bench run` on one board and one runs directory: nothing lost, nothing doubled, nobody waits for the dead."""

import signal
import time

import psutil
import pytest

pytestmark = pytest.mark.whole  # two at once, in every test run, are in tests/runs
TOY = ("--dataset", "toys-dots", "--budget", "smoke", "--json")


def rows(bench):
    return bench("leaderboard", "dots", "--json").json


@pytest.fixture(scope="module")
def together(bench_in, tmp_path_factory):
    """Three at once with an empty cache; jobs of some are jobs of others."""
    bench = bench_in(tmp_path_factory.mktemp("together"))
    cache = str(tmp_path_factory.mktemp("cache-of-three"))
    asked = [("toys", "0,1"), ("toys,toys-adam", "0"), ("toys-adam", "1")]
    runs = [
        bench.popen("run", "--plugins", plugins, "--seeds", seeds, *TOY, BENCH_CACHE=cache) for plugins, seeds in asked
    ]
    ends = [run.communicate(timeout=500) for run in runs]
    return bench, [run.returncode for run in runs], ends


def test_all_end_well(together):
    _, codes, ends = together
    assert codes == [0, 0, 0], [err for _, err in ends]


def test_no_row_is_lost_or_doubled(together):
    places = [(row["entry"], row["seed"], row["metric"]) for row in rows(together[0])]
    assert len(places) == len(set(places))
    methods = {(entry, seed) for entry, seed, metric in places if metric == "fd-lite0"}
    assert {(entry, seed) for entry in ("toys", "toys-adam", "real", "noise") for seed in (0, 1)} <= methods


def test_guide_and_judge_are_fitted_once_and_shared(together):
    bench, _, ends = together
    named = {(row["guide"], row["judge"]) for row in rows(bench)}
    assert len(named) == 1
    notes = [line for _, err in ends for line in err.splitlines() if "test accuracy" in line]
    fitted = [note.split()[0] for note in notes if not note.endswith("(cached)")]
    assert len(notes) == 6
    assert sorted(fitted) == ["guide", "judge"]


def test_a_job_that_two_want_is_trained_once(together):
    for log in (together[0].folder / "runs").glob("*/toys*/*/log.txt"):
        steps = [line for line in log.read_text().splitlines() if line.startswith("step ")]
        assert len(steps) == len(set(steps)) == 40, log


def test_nobody_waits_for_a_lock_whose_holder_was_killed(bench):
    """The first run is killed while it holds the locks of its guide and of its job; the second one takes both over."""
    first = bench.popen("run", "--plugins", "toys", "--set", "toys.pause=5", *TOY)
    while not list(bench.folder.glob("runs/*/toys/*/log.txt")) and first.poll() is None:
        time.sleep(0.02)
    time.sleep(0.5)
    workers = psutil.Process(first.pid).children(recursive=True)
    for process in [psutil.Process(first.pid), *workers]:
        process.send_signal(signal.SIGKILL)
    first.communicate(timeout=60)
    started = time.monotonic()
    second = bench("run", "--plugins", "toys", *TOY)
    assert second.code == 0, second.err
    assert time.monotonic() - started < 200
