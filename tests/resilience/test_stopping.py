"""A stopped run says so in one sentence, with the code of its signal, at once, and leaves no process behind."""

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

SENTENCE = "bench: interrupted. Finished results are saved; run the same command to resume\n"
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


def is_soon_gone(pid: int) -> bool:
    """What was killed is not gone before the system has taken back its memory."""
    try:
        process = psutil.Process(pid)
    except psutil.NoSuchProcess:
        return True
    until = time.monotonic() + SECONDS
    while lives(process) and time.monotonic() < until:
        time.sleep(0.05)
    return not lives(process)


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


@pytest.mark.parametrize("pause", [0, 0.5])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_one_that_is_stopped_while_it_still_plans_says_so_too(bench, number, pause):
    """A terminal sends Ctrl-C to all processes: the server of processes, which still imports, says nothing."""
    process = hangs(bench)
    until(process, lambda: psutil.Process(process.pid).children())
    time.sleep(pause)
    seconds, err = stopped(process, number, group=True)
    assert (process.returncode, err) == (128 + number, SENTENCE)
    assert seconds < SECONDS
    assert bench.processes() == []


TERM = "os.kill(os.getpid(), signal.SIGTERM)"
BODIES = {  # what a command does, and what it says on standard output
    "passes through exec": (f"exec({TERM!r})", ""),
    "is swallowed": (f"try: {TERM}\n    except BaseException: pass\n    time.sleep(60)", ""),
    "becomes another error": (f"try: {TERM}\n    except BaseException: raise ImportError('torch') from None", ""),
    "finds somebody cleaning up": (f"try: {TERM}\n    finally: time.sleep(1.5); print('clean', flush=True)", "clean\n"),
    "finds cleaning up without end": (
        f"child = subprocess.Popen(['sleep', '1000'])\n    print(child.pid, flush=True)\n"
        f"    try: {TERM}\n    finally: time.sleep(60)", None,
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", BODIES)
def test_a_signal_is_not_lost_where_it(what):
    body, says = BODIES[what]
    code = f"import os, signal, subprocess, sys, time, bench.cli.dispatch as cli\ndef perform(_):\n    {body}\n"
    started = time.monotonic()
    ended = subprocess.run(
        [sys.executable, "-c", f"{code}cli._perform = perform\nsys.exit(cli.main([]))"],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (ended.returncode, ended.stderr) == (143, SENTENCE)
    assert time.monotonic() - started < SECONDS + 1  # with the start of Python
    if says is None:
        assert is_soon_gone(int(ended.stdout))
    else:
        assert ended.stdout == says


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
def test_a_run_is_stopped_at_any_moment_within_seconds(bench):
    """Prints the figures of docs/reliability.md."""
    took = []
    for moment in range(20):
        process = bench.popen("run", "--plugins", "toys,toys-adam", "--dataset", "toys-dots", "--budget", "smoke")
        time.sleep(0.3 + 0.6 * moment)
        if process.poll() is not None:
            break
        number = (signal.SIGINT, signal.SIGTERM)[moment % 2]
        seconds, err = stopped(process, number)
        took.append(seconds)
        assert process.returncode == 128 + number
        assert err.endswith(SENTENCE)
        assert "Traceback" not in err
    print(f"\nseconds to stop, children included: median {sorted(took)[len(took) // 2]:.2f}, worst {max(took):.2f}")
    assert max(took) < SECONDS
