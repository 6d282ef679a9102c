"""Slurm: submit array jobs with submitit, ask squeue what became of them, and cancel them.

submitit's own results are never read: without accounting it waits for them for ever.
"""

import getpass
import re
import shutil
import subprocess
from collections.abc import Callable, Collection, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from bench.errors import BenchError, nearest
from bench.experiment.engine import Engine
from bench.util.text import items

OVER = {
    "BOOT_FAIL",
    "CANCELLED",
    "COMPLETED",
    "DEADLINE",
    "FAILED",
    "NODE_FAIL",
    "OUT_OF_MEMORY",
    "PREEMPTED",
    "TIMEOUT",
}
LARGEST_ARRAY = 1_000  # of Slurm's default MaxArraySize
NOTICE = 60  # seconds that an array job has between the signal and its end
PATIENCE = 60.0  # seconds for an answer of Slurm


class SlurmQueue:
    """The queue that the options of `engine` name. `logs` is a folder for the output of array jobs.

    Raises `BenchError` if Slurm or submitit is not installed.
    """

    def __init__(self, engine: Engine, logs: Path, cpus: int, gpu: bool) -> None:
        self.engine, self.logs = engine, logs
        self.cpus, self.gpu = cpus, gpu
        self.excluded: set[str] = set()  # nodes
        self._submitit = _import_submitit()

    def submit(
        self, call: Callable[..., None], arguments: Sequence[tuple[Any, ...]], minutes: int, at_once: int
    ) -> list[str]:
        """One array job for each of the tuples of arguments; `at_once` of them run at the same time, 0 for any number.

        Returns their numbers in Slurm. Raises `BenchError` if Slurm refuses them.
        """
        self._check_partition()
        size, found = self._largest_array(), list[str]()
        for start in range(0, len(arguments), size):
            found += self._submit(call, arguments[start : start + size], minutes, at_once)
        return found

    def _submit(
        self, call: Callable[..., None], arguments: Sequence[tuple[Any, ...]], minutes: int, at_once: int
    ) -> list[str]:
        executor = self._submitit.SlurmExecutor(folder=self.logs / "%j")
        executor.update_parameters(**self._parameters(minutes, at_once or len(arguments)))
        try:
            with executor.batch():
                jobs = [executor.submit(call, *one) for one in arguments]
        except Exception as error:
            raise BenchError(f"--slurm: Slurm refused the job: {self._explained(str(error))}") from error
        return [job.job_id for job in jobs]

    def _parameters(self, minutes: int, at_once: int) -> dict[str, Any]:
        option, more = self.engine.option, {}
        for name in ("account", "qos", "constraint", "gres"):
            if value := option(name):
                more[name] = value
        excluded = ",".join(filter(None, [option("exclude"), *sorted(self.excluded)]))
        found: dict[str, Any] = {
            "job_name": "bench", "time": minutes, "cpus_per_task": self.engine.number("cpus", self.cpus),
            "signal_delay_s": min(NOTICE, 15 * minutes), "array_parallelism": at_once, "stderr_to_stdout": True,
        }  # fmt: skip
        found |= {"partition": option("partition")} if option("partition") else {}
        found |= {"exclude": excluded} if excluded else {}
        found |= {"setup": [option("setup")]} if option("setup") else {}
        found |= {"gpus_per_node": 1} if self.gpu and not option("gres") else {}
        return found | more

    def states(self) -> dict[str, str]:
        """The state of each array job of this user that Slurm still knows, such as PENDING."""
        answer = _ask("squeue", "-h", "-r", "-t", "all", "-u", getpass.getuser(), "-o", "%i|%T")
        return dict(line.split("|", 1) for line in answer.splitlines() if "|" in line)

    def nodes(self) -> set[str]:
        """The nodes of the partition."""
        partition = self.engine.option("partition")
        return set(_ask("sinfo", "-h", "-N", *(["-p", partition] if partition else []), "-o", "%N").split())

    def places(self) -> int:
        """How many array jobs the cores of the partition have room for."""
        partition = self.engine.option("partition")
        answer = _ask("sinfo", "-h", *(["-p", partition] if partition else []), "-o", "%C").split()
        cores = sum(int(line.split("/")[3]) for line in answer if re.fullmatch(r"\d+/\d+/\d+/\d+", line))
        return max(1, cores // self.engine.number("cpus", self.cpus))

    def _check_partition(self) -> None:
        """Raise `BenchError` for a partition that does not exist: sbatch would print several lines."""
        known = [name.rstrip("*") for name in _ask("sinfo", "-h", "-o", "%P").split()]
        for name in items(self.engine.option("partition")):
            if name not in known:
                raise BenchError(f"--slurm: unknown partition {name!r}: {nearest(name, known)}")

    def _largest_array(self) -> int:
        match = re.search(r"MaxArraySize\s*=\s*(\d+)", _ask("scontrol", "show", "config"))
        return max(1, int(match[1]) - 1) if match else LARGEST_ARRAY

    def _explained(self, text: str) -> str:
        """What Slurm says, as one sentence."""
        said = re.findall(r"(?:sbatch|scontrol|squeue): error: (.+)", text) or text.strip().splitlines()[-1:]
        return "; ".join(dict.fromkeys(line.removeprefix("Batch job submission failed: ").strip() for line in said))


def cancel(jobs: Collection[str]) -> None:
    """Cancel array jobs: whole arrays at once, since a call for each would take long."""
    arrays = sorted({job.partition("_")[0] for job in jobs})
    if arrays:
        subprocess.run(["scancel", *arrays], capture_output=True, timeout=PATIENCE, check=False)


def _import_submitit() -> Any:
    for program in ("sbatch", "squeue"):
        if shutil.which(program) is None:
            raise BenchError(
                f"--executor slurm: {program} was not found; run this command on a login node of the cluster"
            )
    try:
        return import_module("submitit")
    except ImportError as error:
        raise BenchError(
            "--executor slurm: submitit is not installed; install it with pip install 'classifier-bench[slurm]'"
        ) from error


def _ask(*command: str) -> str:
    """What a program of Slurm prints. Raises `BenchError` with what it says if it fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BenchError(f"--executor slurm: {command[0]} failed: {error}") from error
    if done.returncode:
        raise BenchError(f"--executor slurm: {command[0]} failed: {' '.join(done.stderr.split())}")
    return done.stdout


def minutes_of(engine: Engine, seconds: float | None, tasks: int, at_once: int) -> int:
    """The time limit of an array job of that many tasks. Raises `BenchError` if neither says how long a task may take."""
    if engine.option("time"):
        return engine.number("time", 0)
    if seconds is None:
        raise BenchError(
            "--slurm: the jobs have no time limit: name that of the array jobs with time=MINUTES, or --timeout"
        )
    return 10 + int(-(-tasks // at_once) * seconds / 60)
