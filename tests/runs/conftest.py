"""Real `bench` processes, with their own run directory, boards and cache."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

HOSTILE = Path(__file__).parent / "hostile"


@dataclass
class Answer:
    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)

    def row(self, entry: str, metric: str = "fit") -> dict:
        rows = [row for row in self.json["records"] if (row["entry"], row["metric"]) == (entry, metric)]
        assert len(rows) == 1, rows
        return rows[0]


@dataclass
class Bench:
    """`bench ...` in a folder of its own; examiners are cached for the whole test session."""

    folder: Path
    cache: Path

    def popen(self, *arguments: str, **variables: str) -> subprocess.Popen:
        environment = os.environ | {
            "PYTHONPATH": str(HOSTILE), "BENCH_CACHE": str(self.cache), "OMP_NUM_THREADS": "1", "COLUMNS": "200",
        } | variables  # fmt: skip
        return subprocess.Popen(
            [sys.executable, "-m", "bench", *arguments], cwd=self.folder, env=environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
        )  # fmt: skip

    def __call__(self, *arguments: str, **variables: str) -> Answer:
        process = self.popen(*arguments, **variables)
        out, err = process.communicate(timeout=300)
        return Answer(process.returncode, out, err)


@pytest.fixture(scope="session")
def cache(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session")
def bench_in(cache: Path) -> Callable[[Path], Bench]:
    """`bench` in any folder."""
    return lambda folder: Bench(folder, cache)


@pytest.fixture
def bench(tmp_path: Path, cache: Path) -> Bench:
    return Bench(tmp_path, cache)
