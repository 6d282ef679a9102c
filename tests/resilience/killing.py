"""Kill a small matrix at random moments until it is finished, and look at what became of it.

    python tests/resilience/killing.py FOLDER --kills 100

goes on where it was when it is given again, and ends with the table of docs/reliability.md.
"""

import argparse
import itertools
import json
import os
import random
import re
import signal
import statistics
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import psutil

HOSTILE = Path(__file__).parent / "hostile"
COSTS = {"train-seconds", "images-per-second", "sample-seconds-per-1000", "peak-memory-mb"}
PAUSE = 0.03  # seconds that a step of a toy sleeps
EVERY = 0.3  # seconds between two checkpoints
MOST = 2 * (
    round(EVERY / PAUSE) + 2
)  # steps redone after a kill: two intervals where it hit a checkpoint being written
WAYS = ("trainings", "workers", "host", "worker writes", "host writes")


@dataclass(frozen=True)
class Matrix:
    """Two toy methods on some data sets and seeds, in a folder of its own."""

    folder: Path
    cache: Path
    datasets: tuple[str, ...] = ("toys-dots", "toys-bars")
    seeds: str = "0,1"

    def start(self, dataset: str, **variables: str) -> subprocess.Popen:
        """`bench run`, the leader of a process group of its own."""
        environment = os.environ | {
            "PYTHONPATH": os.pathsep.join([str(HOSTILE), os.environ.get("PYTHONPATH", "")]), "BENCH_CACHE": str(self.cache), "OMP_NUM_THREADS": "1",
        } | variables  # fmt: skip
        command = ["run", "--plugins", "toys,toys-adam", "--budget", "smoke", "--jobs", "2", "--dataset"]
        command += [dataset, "--seeds", self.seeds, "--checkpoint-every", str(EVERY)]
        self.folder.mkdir(parents=True, exist_ok=True)
        with open(self.folder / "errors.txt", "a") as errors:
            return subprocess.Popen(
                [sys.executable, "-m", "bench", *command], cwd=self.folder, env=environment, start_new_session=True,
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors,
            )  # fmt: skip

    def finish(self) -> list[int]:
        """Run each data set to its end, undisturbed."""
        return [self.start(dataset).wait(600) for dataset in self.datasets]

    # What is there

    def board(self) -> list[str]:
        """Every line of every board that is not about a cost."""
        lines = [line for path in sorted(self.folder.glob("runs/leaderboards/*.csv")) for line in path.open()]
        return [line for line in lines if line.split(",")[6] not in COSTS]

    def temporary(self) -> list[str]:
        """Files that only a killed process can have left."""
        found = [*self.folder.rglob("*.tmp"), *self.cache.rglob("*.tmp"), *self.folder.rglob("*.ckpt")]
        return sorted(str(path) for path in [*found, *self.cache.rglob("*.ckpt"), *self.folder.rglob(".writable*")])

    def finished(self) -> dict[str, int]:
        """When each finished training and measurement was written, and each classifier."""
        records = [path for path in self.folder.glob("runs/*/*/*/records/*.json") if '"failed"' not in path.read_text()]
        trained = [*self.folder.glob("runs/*/*/*/train.json"), *self.cache.glob("classifiers/*/about.json")]
        return {str(path): path.stat().st_mtime_ns for path in [*records, *trained]}

    def redone(self) -> Iterator[int]:
        """For each time that a training was taken up again: how many of its steps were done a second time."""
        for log in sorted(self.folder.glob("runs/*/toys*/*/log.txt")):
            steps = [int(step) for step in re.findall(r"^step (\d+)$", log.read_text(), re.MULTILINE)]
            yield from (a - b + 1 for a, b in itertools.pairwise(steps) if b <= a)

    def workers(self, host: subprocess.Popen) -> dict[psutil.Process, str]:
        """The processes at work for that host, and what each is doing."""
        found = {}
        with suppress(psutil.Error):
            for process in psutil.Process(host.pid).children(recursive=True):
                with suppress(psutil.Error, OSError):
                    log = os.readlink(f"/proc/{process.pid}/fd/1")
                    if log.endswith(".txt") and log != str(self.folder / "errors.txt"):
                        found[process] = phase(Path(log))
        return found


def phase(log: Path) -> str:
    """What the process that prints to this log is doing."""
    if log.name != "log.txt":
        return f"fitting {log.stem}"
    folder = log.parent
    if list(folder.glob("records/*.json")):
        return "measuring"
    if (folder / "train.json").exists():
        return "sampling"
    return "training" if "step" in log.read_text() else "starting a job"


def kind(path: Path) -> str:
    """What a file is, in a word or two."""
    if path.parent.name in ("records", "checkpoints"):
        return f"a {path.parent.name.removesuffix('s')}"
    if path.parent.name == "leaderboards":
        return "a board" if path.suffix == ".csv" else "the page of a board"
    if "classifiers" in path.parts:
        return "a guide or judge"
    return "a model or samples" if path.suffix in (".safetensors", ".npz", ".png") else "another file"


def read_lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


@dataclass
class Killing:
    """Matrices that are run, killed and run again, one after the other, until there were enough kills."""

    folder: Path
    seed: int = 0
    datasets: tuple[str, ...] = ("toys-dots", "toys-bars")
    seeds: str = "0,1"
    ways: tuple[str, ...] = WAYS

    @cached_property
    def undisturbed(self) -> list[str]:
        """The board of a matrix that nobody kills."""
        matrix = self.matrix("undisturbed")
        if not (matrix.folder / "done").exists():
            assert matrix.finish() == [0] * len(self.datasets), (matrix.folder / "errors.txt").read_text()
            (matrix.folder / "done").touch()
        return matrix.board()

    def matrix(self, name: str) -> Matrix:
        return Matrix(self.folder / name, self.folder / name / "cache", self.datasets, self.seeds)

    @property
    def entries(self) -> list[dict]:
        """All kills, and how each finished matrix was found, in order."""
        return [json.loads(line) for line in read_lines(self.folder / "kills.jsonl")]

    @property
    def kills(self) -> list[dict]:
        return [entry for entry in self.entries if "who" in entry]

    def hit(self, phase: str) -> int:
        """How many workers were killed in it."""
        return sum(kill["who"] == "worker" and kill["phase"] == phase for kill in self.kills)

    @property
    def ends(self) -> list[dict]:
        return [entry for entry in self.entries if "equal" in entry]

    def note(self, **entry) -> None:
        with open(self.folder / "kills.jsonl", "a") as file:
            file.write(json.dumps(entry) + "\n")

    def kill(self, wanted: int) -> None:
        """Go on until there were that many kills and the last matrix is finished."""
        assert self.undisturbed
        while len(self.kills) < wanted or len(self.ends) <= self.kills[-1]["matrix"]:
            self.kill_one_matrix(len(self.ends), wanted)

    def kill_one_matrix(self, number: int, wanted: int) -> None:
        matrix, twice = self.matrix(f"killed-{number}"), 0
        matrix.folder.mkdir(parents=True, exist_ok=True)
        for dataset in self.datasets:
            code = None
            while code != 0:
                before = matrix.finished()
                rng = random.Random(f"{self.seed} {number} {self.rounds(matrix)}")
                way = rng.choice(self.ways) if len(self.kills) < wanted else "nothing"
                code = self.disturb(matrix, dataset, way, rng, number, wanted)
                after = matrix.finished()
                twice += sum(1 for path, stamp in before.items() if after.get(path) != stamp)
        self.note(
            matrix=number,
            equal=matrix.board() == self.undisturbed,
            twice=twice,
            temporary=matrix.temporary(),
            redone=list(matrix.redone()),
            rows=len(matrix.board()),
        )

    def rounds(self, matrix: Matrix) -> int:
        """How many rounds there were before this one."""
        with open(matrix.folder / "rounds.txt", "a+") as file:
            file.write("x")
            file.seek(0)
            return len(file.read()) - 1

    def disturb(self, matrix: Matrix, dataset: str, way: str, rng: random.Random, number: int, wanted: int) -> int:
        """One `bench run`, killed in that way. Returns its exit code."""
        if way.endswith("writes"):
            who = way.split()[0]
            return self.let_die(matrix, dataset, who, rng.randint(1, 16 if who == "host" else 50), number)
        host = matrix.start(dataset)
        if way == "host":
            with suppress(subprocess.TimeoutExpired):
                return host.wait(rng.uniform(0, 25))
            doing = sorted(set(matrix.workers(host).values()))
            os.killpg(host.pid, signal.SIGKILL)
            self.note(matrix=number, who="host", phase=" and ".join(doing) or self.alone(matrix, dataset))
            return host.wait()
        while way in ("workers", "trainings") and len(self.kills) < wanted:
            with suppress(subprocess.TimeoutExpired):
                return host.wait(rng.uniform(0.1, 1.5 if way == "workers" else 0.8))
            if workers := list(matrix.workers(host).items()):
                victim, doing = min(workers, key=lambda worker: self.hit(worker[1]))
                if doing.startswith("fitting") and rng.random() < 0.8:
                    continue  # the death of the guide or judge ends the run
                if way == "trainings" and doing != "training":
                    continue
                with suppress(psutil.Error):
                    victim.kill()
                    self.note(matrix=number, who="worker", phase=doing)
        return host.wait(600)

    def alone(self, matrix: Matrix, dataset: str) -> str:
        board = matrix.folder / "runs/leaderboards" / f"{dataset.removeprefix('toys-')}.csv"
        return "between jobs" if board.exists() else "planning"

    def let_die(self, matrix: Matrix, dataset: str, who: str, write: int, number: int) -> int:
        """Each such process dies in the middle of its so manieth write."""
        notes = matrix.folder / "deaths.txt"
        before = len(read_lines(notes))
        code = matrix.start(dataset, TOY_DIES=f"{who}:{write}:{notes}").wait(600)
        for path in read_lines(notes)[before:]:
            self.note(matrix=number, who=who, phase=f"writing {kind(Path(path))}")
        return code

    # What it came to

    def report(self) -> str:
        kills, ends = self.kills, self.ends
        redone = [steps for end in ends for steps in end["redone"]]
        phases = Counter(kill["phase"] for kill in kills)
        lines = [
            f"kills: {len(kills)} ({sum(kill['who'] == 'host' for kill in kills)} of the host with all its processes)",
            f"matrices finished: {len(ends)}, of which equal to the undisturbed one: {sum(e['equal'] for e in ends)}",
            f"rows compared in each: {ends[0]['rows'] if ends else 0}",
            f"done twice: {sum(end['twice'] for end in ends)}",
            f"temporary files left: {sum(len(end['temporary']) for end in ends)}",
            f"trainings taken up again: {len(redone)}; steps redone: median "
            f"{statistics.median(redone) if redone else 0:g}, worst {max(redone, default=0)}, bound {MOST}",
        ]
        return "\n".join(lines + [f"  {count:3d} while {doing}" for doing, count in phases.most_common()])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    killing = Killing(options.folder.absolute(), options.seed)
    killing.kill(options.kills)
    print(killing.report())


if __name__ == "__main__":
    main()
