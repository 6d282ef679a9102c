"""`bench.cli.main` from Python: the process of the caller is as before when it returns or raises."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bench.cli import dispatch, main

NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)


def handlers() -> list[object]:
    return [signal.getsignal(number) for number in NUMBERS]


def own(number: int, frame: object) -> None:
    """A handler of the caller."""


@pytest.fixture(params=["default", "own", "ignored"])
def before(request: pytest.FixtureRequest) -> Iterator[list[object]]:
    """What the caller has set, before a command is run."""
    kept = handlers()
    set_to = {"default": signal.default_int_handler, "own": own, "ignored": signal.SIG_IGN}[request.param]
    for number in NUMBERS[:2]:
        signal.signal(number, set_to)
    yield handlers()
    for number, handler in zip(NUMBERS, kept, strict=True):
        signal.signal(number, handler)  # type: ignore[arg-type]


def test_the_handlers_are_those_of_the_caller_after_a_command(before: list[object]) -> None:
    assert main(["completion", "bash"]) == 0
    assert handlers() == before


def test_the_handlers_are_those_of_the_caller_after_wrong_usage_and_help(before: list[object]) -> None:
    assert main(["list", "nonsense"]) == 2
    with pytest.raises(SystemExit):
        main(["run", "--help"])
    assert handlers() == before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_handlers_and_the_timer_are_those_of_the_caller_after_a_stopped_command(
    number: int, before: list[object], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(dispatch, "_perform", lambda arguments: os.kill(os.getpid(), number))
    timer = signal.setitimer(signal.ITIMER_REAL, 1_000, 7)  # of pytest-timeout
    try:
        assert main([]) == 128 + number
        left, interval = signal.getitimer(signal.ITIMER_REAL)
    finally:
        signal.setitimer(signal.ITIMER_REAL, *timer)
    assert "interrupted" in capsys.readouterr().err
    assert handlers() == before
    assert 900 < left <= 1_000
    assert interval == 7


def test_a_stopped_command_leaves_no_timer_where_there_was_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatch, "_perform", lambda arguments: os.kill(os.getpid(), signal.SIGTERM))
    timer = signal.setitimer(signal.ITIMER_REAL, 0)
    try:
        assert main([]) == 143
        assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
    finally:
        signal.setitimer(signal.ITIMER_REAL, *timer)


def test_an_error_passes_and_leaves_nothing(before: list[object], monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(arguments: object) -> int:
        raise RuntimeError("a bug")

    monkeypatch.setattr(dispatch, "_perform", fail)
    with pytest.raises(RuntimeError, match="a bug"):
        main([])
    assert handlers() == before


def in_a_thread(call: Callable[[], int]) -> int:
    found: list[int] = []
    thread = threading.Thread(target=lambda: found.append(call()))
    thread.start()
    thread.join()
    return found[0]


def test_a_command_runs_in_any_thread(before: list[object], capsys: pytest.CaptureFixture[str]) -> None:
    assert in_a_thread(lambda: main(["completion", "bash"])) == 0
    assert in_a_thread(lambda: main(["list", "nonsense"])) == 2
    assert handlers() == before


def test_only_children_of_the_command_are_ended() -> None:
    from bench.util.processes import children, end_children

    mine = subprocess.Popen(["sleep", "100"])
    others = children()
    command = subprocess.Popen(["sh", "-c", "sleep 1000 & wait"])
    try:
        end_children(but=others)
        assert command.wait(10) in (0, -signal.SIGKILL), "0: its child was ended first, and that was all it waited for"
        assert mine.poll() is None
    finally:
        mine.kill()
        mine.wait()


def test_a_stopped_program_ends_also_if_a_thread_goes_on() -> None:
    code = (
        "import os, signal, sys, threading, time, bench.cli.dispatch as cli\n"
        "threading.Thread(target=time.sleep, args=(60,)).start()\n"
        "cli._perform = lambda _: os.kill(os.getpid(), signal.SIGTERM)\nsys.exit(cli.program())"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=50, check=False)
    assert ended.returncode == 143


def test_a_stop_waits_while_a_module_of_torch_is_imported(tmp_path: Path) -> None:
    """An exception that passes through C++ code of torch aborts the process."""
    (tmp_path / "torch").mkdir()
    (tmp_path / "torch" / "__init__.py").write_text(
        "import os, signal, time\nos.kill(os.getpid(), signal.SIGTERM)\ntime.sleep(0.2)\nprint('imported', flush=True)\n"
    )
    code = (
        "import sys, time; sys.path.insert(0, sys.argv[1]); from bench.cli.signals import Stop, Stopped\n"
        "stop = Stop(); stop.listen()\n"
        "try:\n    import torch\n    time.sleep(30)\nexcept Stopped:\n    print('stopped', stop.code)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, timeout=60)
    assert done.stdout.split() == ["imported", "stopped", "143"], done.stderr
