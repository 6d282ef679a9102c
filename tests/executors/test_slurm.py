"""A real Slurm of one node: the same board as on this machine, and nothing lost if array jobs are cancelled."""

import re
import subprocess
import time
from pathlib import Path

import pytest
from clusters import RUN, needs_slurm, numbers, slurm

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1800)]
HERE = ("--executor", "slurm", "--device", "cpu", "--slurm")


@pytest.fixture(scope="module")
def reach(tmp_path_factory) -> dict[str, str]:
    """The variables with which a command reaches the cluster."""
    needs_slurm()
    with slurm(tmp_path_factory.mktemp("slurm")) as variables:
        yield variables


@pytest.fixture(scope="module")
def local(tmp_path_factory, bench_in):
    """The same run on this machine."""
    needs_slurm()
    answer = bench_in(tmp_path_factory.mktemp("local"))(*RUN, "--set", "toys.pause=0.1")
    assert answer.code == 0, answer.err
    return numbers(answer.out)


def test_a_partition_that_does_not_exist_is_one_sentence(bench, reach):
    answer = bench(*RUN, *HERE, "partition=nope", **reach)
    assert answer.code == 2
    assert answer.err == "bench: --slurm: unknown partition 'nope': known: main\n"


def test_cancelled_array_jobs_lose_nothing_and_the_same_command_finishes_with_the_board_of_one_machine(
    bench, reach, local
):
    command = (*RUN, "--set", "toys.pause=0.1", "--checkpoint-every", "0.3", *HERE, "partition=main,bundle=3")
    first = bench.popen(*command, **reach)
    _wait_for_steps(bench.folder, 10, first)
    subprocess.run(["scancel", "-u", "root"], env=bench.variables | reach | {"USER": "root"}, check=True)
    _, err = first.communicate(timeout=900)
    assert first.returncode == 1, err
    assert "toys [pause=0.1] seed 0: killed: " in err
    second = bench(*command, **reach)
    assert second.code == 0, second.err
    assert numbers(second.out) == local
    steps = _steps(bench.folder)
    assert sorted(set(steps)) == list(range(40))
    assert len(steps) < 40 + 15, "it did not go on from its checkpoint"
    assert not list((bench.folder / "runs" / "slurm").glob("*/*.json"))
    assert not list(bench.folder.rglob(".in-use-*"))


def _wait_for_steps(folder: Path, count: int, process: subprocess.Popen) -> None:
    while len(_steps(folder)) < count:
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)


def _steps(folder: Path) -> list[int]:
    """The steps that the toy has taken, in order."""
    logs = folder.glob("runs/*/toys/*/log.txt")
    return [int(step) for log in logs for step in re.findall(r"^step (\d+)$", log.read_text(), re.MULTILINE)]
