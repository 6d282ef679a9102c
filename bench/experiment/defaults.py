"""Defaults of `bench run` that depend on the machine; found without importing torch."""

import os
from collections.abc import Sequence
from glob import glob
from typing import Literal

from bench.experiment.request import ClassifierRef, DatasetRef, RunRequest, parse_seeds

CLASSIFIERS = {"guide": "resnet-xs", "judge": "resnet-s"}
JOB_MEMORY = 2 * 2**30  # bytes that a job at `quick` may need


def uses_gpu(device: str) -> bool:
    """Whether `--device` means a GPU on this machine."""
    if device != "auto":
        return device != "cpu"
    if not glob("/dev/nvidia[0-9]*"):
        return False
    import torch  # a driver alone does not make a usable GPU

    return torch.cuda.is_available()


def default_budget(device: str) -> str:
    """`quick` on a CPU, `standard` on a GPU."""
    return "standard" if uses_gpu(device) else "quick"


def default_classifier(role: Literal["guide", "judge"]) -> str:
    return CLASSIFIERS[role]


def complete(
    plugins: str,
    dataset: str,
    *,
    labels: int | None,
    seeds: str,
    budget: str | None,
    settings: Sequence[str],
    guide: str | None,
    judge: str | None,
    device: str,
    jobs: int | None,
) -> RunRequest:
    """A request in which defaults stand for None. Raises `BenchError` for text that cannot be parsed."""
    at_once, threads = share_cores(device, jobs)
    asked = DatasetRef.parse(dataset, labels)
    if labels is None:
        asked.require_path()
    return RunRequest(
        plugins=plugins,
        dataset=asked,
        seeds=parse_seeds(seeds),
        budget=budget or default_budget(device),
        set=tuple(settings),
        guide=_classifier("guide", guide),
        judge=_classifier("judge", judge),
        device=device,
        jobs=at_once,
        threads=threads,
    )


def _classifier(role: Literal["guide", "judge"], asked: str | None) -> ClassifierRef:
    default = default_classifier(role)
    return ClassifierRef.parse(asked or default, default)


def share_cores(device: str, jobs: int | None) -> tuple[int, int]:
    """How many jobs at a time, and how many threads for each.

    On a CPU a job computes on one thread, so that its numbers do not depend on how many cores there are, and as many
    jobs run at once as cores and memory allow. `--jobs` or OMP_NUM_THREADS change that.
    """
    asked = os.environ.get("OMP_NUM_THREADS", "")
    threads = min(cores(), int(asked)) if asked.isdigit() and int(asked) else None
    if uses_gpu(device):
        return jobs or 1, threads or max(1, cores() // (jobs or 1))
    if jobs is not None:
        return jobs, threads or max(1, cores() // jobs)
    threads = threads or 1
    return max(1, min(cores() // threads, _memory() // JOB_MEMORY)), threads


def cores() -> int:
    """The cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _memory() -> int:
    import psutil

    return int(psutil.virtual_memory().total)
