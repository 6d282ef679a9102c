"""The device, threads and precision of a job, and their description in every row."""

import platform
from dataclasses import dataclass
from pathlib import Path

import torch

from bench.errors import BenchError
from bench.experiment.gpus import choose_gpus, named_gpus, visible_gpus
from bench.training_run import Precision


@dataclass(frozen=True)
class Device:
    """Where and how a job computes. Only results with equal `name` can be expected to be bit-identical."""

    kind: str  # cpu, cuda or cuda:i
    threads: int
    precision: Precision
    name: str


def find_device(text: str, threads: int) -> Device:
    """`auto`, `cpu`, `cuda`, `cuda:i` or `cuda:i,j`, with the fastest precision there. Raises `BenchError`."""
    kind = ("cuda" if torch.cuda.is_available() else "cpu") if text == "auto" else text
    if kind == "cpu":
        precision: Precision = "bfloat16" if _fast_bfloat16() else "float32"
        return Device(kind, threads, precision, f"{_cpu_name()}, {threads} thread{'s' * (threads > 1)}, {precision}")
    if kind != "cuda" and named_gpus(kind) is None:
        raise BenchError(f"unknown device {text!r}: expected auto, cpu, cuda, cuda:i or several as cuda:i,j")
    names = visible_gpus()
    if not names:
        raise BenchError(f"device {text!r} not found (0 CUDA devices available); try --device cpu")
    first = choose_gpus(kind, names)[0][0]
    return Device("cuda" if kind == "cuda" else f"cuda:{first}", threads, "bfloat16", f"{names[first]}, bfloat16")


def _fast_bfloat16() -> bool:
    supported = getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)
    return bool(supported())


def _cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        name = next(line.partition(":")[2] for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        name = platform.processor() or platform.machine()
    return " ".join(name.replace("(R)", "").replace("(TM)", "").split())
