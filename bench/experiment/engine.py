"""What carries out the jobs of a run, and its options as the user wrote them. Nothing of an engine is imported here."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from bench.errors import BenchError, nearest
from bench.util.text import items

RAY = {
    "address": "HOST:PORT of a cluster that this machine belongs to, or local for one on this machine alone",
    "cpus": "cores of a job (default: its threads)",
    "retries": "how often a job is started again if its node is lost (default: 3)",
}
SLURM = {
    "partition": "where to run",
    "account": "who pays",
    "qos": "quality of service",
    "constraint": "features of the nodes",
    "exclude": "nodes to leave out",
    "gres": "generic resources instead of one GPU, e.g. gpu:a100:1",
    "time": "minutes of an array job (default: from the time limit of its jobs)",
    "cpus": "cores of a job (default: its threads)",
    "bundle": "jobs in each array job, one after another (default: 1)",
    "setup": "a shell command to run first on the node",
}
OPTIONS: dict[str, Mapping[str, str]] = {"local": {}, "ray": RAY, "slurm": SLURM}
NUMBERS = {"cpus", "retries", "time", "bundle"}


@dataclass(frozen=True)
class Engine:
    """`local`, `ray` or `slurm`, its options by name, and how many jobs share a GPU."""

    name: str = "local"
    options: tuple[tuple[str, str], ...] = ()
    jobs_per_gpu: int | None = None  # None: one, unless --jobs asks for more

    def option(self, name: str, default: str = "") -> str:
        return dict(self.options).get(name, default)

    def number(self, name: str, default: int) -> int:
        """The value of an option that is a whole number."""
        return int(self.option(name) or default)

    @property
    def gpus(self) -> float:
        """The share of a GPU that a job gets on a cluster."""
        return 1 / (self.jobs_per_gpu or 1)

    @property
    def is_local(self) -> bool:
        return self.name == "local"

    def __str__(self) -> str:
        return " ".join([self.name, *(f"{name}={value}" for name, value in self.options)])


LOCAL = Engine()


def parse_engine(name: str, options: Mapping[str, str | None], jobs_per_gpu: int | None = None) -> Engine:
    """`name` is what --executor says, `options` holds the texts of --ray and --slurm. Raises `BenchError`."""
    if name not in OPTIONS:
        raise BenchError(f"--executor: unknown executor {name!r}: {nearest(name, OPTIONS)}")
    for other, text in options.items():
        if text is not None and other != name:
            raise BenchError(f"--{other}: expected --executor {other} with it, got --executor {name}")
    parsed = _parse(name, options.get(name) or "")
    return Engine(name, tuple(sorted(parsed.items())), jobs_per_gpu)


def _parse(engine: str, text: str) -> dict[str, str]:
    """`partition=gpu,time=60` as a mapping. A comma belongs to the value unless a name and = follow it."""
    found: dict[str, str] = {}
    for part in items(text) and re.split(r",\s*(?=[a-z]+=)", text.strip(" ,")):
        name, equals, value = part.partition("=")
        if not equals or not value:
            raise BenchError(f"--{engine}: expected KEY=VALUE pairs such as {_example(engine)}, got {part!r}")
        if name not in OPTIONS[engine]:
            raise BenchError(f"--{engine}: unknown option {name!r}: {nearest(name, OPTIONS[engine])}")
        if name in found:
            raise BenchError(f"--{engine}: {name} is given twice")
        if name in NUMBERS and not (value.isascii() and value.isdigit() and (int(value) or name == "retries")):
            raise BenchError(f"--{engine}: {name}: expected a positive whole number, got {value!r}")
        found[name] = value
    return found


def _example(engine: str) -> str:
    return "address=10.0.0.1:6379" if engine == "ray" else "partition=gpu,time=60"
