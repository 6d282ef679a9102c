"""A stopped run says so in one sentence, with the code of its signal, at once, and leaves no process behind."""

import os
import signal
import time

import psutil
import pytest

SENTENCE = "bench: interrupted; what is finished is kept, the same command goes on from there\n"
SECONDS = 5


def hangs(bench):
    """A run whose plugin hangs, deaf to SIGTERM, with children of its own."""
    words = ("run", "--plugins", "hangs-with-children", "--dataset", "toys-dots", "--budget", "smoke", "--json")
    return bench.popen(*words)


def until(process, condition):
    while not condition() and process.poll() is None:
        time.sleep(0.1)


def stopped(process, number, group=False) -> tuple[float, str]:
    """Send the signal; how long it took to end, and what was said. No descendant may be alive then."""
    family = psutil.Process(process.pid).children(recursive=True)
    started = time.monotonic()
    os.killpg(process.pid, number) if group else process.send_signal(number)
    out, err = process.communicate(timeout=60)
    while any(lives(member) for member in family) and time.monotonic() < started + SECONDS:
        time.sleep(0.05)  # what was killed is not gone before the system has taken back its memory
    seconds = time.monotonic() - started
    assert not any(lives(member) for member in family)
    assert not out
    return seconds, err


def lives(process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_run_says_so_with_the_code_of_its_signal_and_leaves_no_process(bench, number):
    process = hangs(bench)
    until(process, lambda: bench.processes("sleep"))
    time.sleep(0.3)  # so that the host has seen them
    seconds, err = stopped(process, number)
    assert process.returncode == 128 + number
    assert err.endswith(SENTENCE)
    assert "Traceback" not in err
    assert seconds < SECONDS
    assert bench.processes() == []


def test_one_that_is_stopped_while_it_still_plans_says_so_too(bench):
    process = hangs(bench)
    until(process, lambda: psutil.Process(process.pid).children())  # the server of processes has begun to import
    seconds, err = stopped(process, signal.SIGTERM, group=True)
    assert (process.returncode, err) == (143, SENTENCE)
    assert seconds < SECONDS
    assert bench.processes() == []


@pytest.mark.whole
def test_a_second_signal_does_not_spoil_the_stopping(bench):
    process = hangs(bench)
    until(process, lambda: bench.processes("sleep"))
    for _ in range(3):
        process.send_signal(signal.SIGINT)
        time.sleep(0.01)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err.endswith(SENTENCE)
    assert "Traceback" not in err


@pytest.mark.whole
def test_the_children_of_a_job_end_with_a_host_that_is_killed(bench):
    process = hangs(bench)
    until(process, lambda: bench.processes("sleep"))
    process.kill()
    process.communicate(timeout=60)
    _, alive = psutil.wait_procs(bench.processes(), timeout=30)
    assert alive == []


@pytest.mark.whole
def test_a_run_is_stopped_at_any_moment_within_seconds(bench, record_property):
    """Prints the figures of docs/reliability.md."""
    took = []
    for moment in range(20):
        process = bench.popen("run", "--plugins", "toys,toys-adam", "--dataset", "toys-dots", "--budget", "smoke")
        time.sleep(0.3 + 0.6 * moment)
        if process.poll() is not None:
            break
        number = (signal.SIGINT, signal.SIGTERM)[moment % 2]
        family = psutil.Process(process.pid).children(recursive=True)
        started = time.monotonic()
        process.send_signal(number)
        _, err = process.communicate(timeout=60)
        psutil.wait_procs(family, timeout=30)
        took.append(time.monotonic() - started)
        assert process.returncode == 128 + number
        assert err.endswith(SENTENCE)
        assert "Traceback" not in err
    print(f"\nseconds to stop, children included: median {sorted(took)[len(took) // 2]:.2f}, worst {max(took):.2f}")
    assert max(took) < SECONDS
