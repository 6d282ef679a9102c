"""The options of `bench run` that say which machines carry out its jobs."""

import argparse
from collections.abc import Mapping
from typing import Any

from bench.cli.arguments import positive
from bench.experiment.engine import OPTIONS, RAY, SLURM, Engine, parse_engine


def add_engine(group: Any) -> None:
    add = group.add_argument
    add("--jobs-per-gpu", type=positive, metavar="N", help="jobs that share a GPU (default: 1)")
    add("--executor", default="local", metavar="NAME", help=f"{', '.join(OPTIONS)} (default: local)")
    add("--ray", metavar="KEY=VALUE,...", help=f"for --executor ray: {_listed(RAY)}")
    add("--slurm", metavar="KEY=VALUE,...", help=f"for --executor slurm: {_listed(SLURM)}")


def _listed(options: Mapping[str, str]) -> str:
    return "; ".join(f"{name}: {text}" for name, text in options.items())


def engine_from(options: argparse.Namespace) -> Engine:
    return parse_engine(options.executor, {"ray": options.ray, "slurm": options.slurm}, options.jobs_per_gpu)
