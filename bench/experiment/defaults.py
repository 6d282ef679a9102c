"""Defaults of `bench run` that depend on the machine; found without importing torch."""

import os
from collections.abc import Sequence
from dataclasses import replace
from glob import glob
from typing import Literal

from bench.errors import BenchError
from bench.experiment.engine import LOCAL, Engine
from bench.experiment.gpus import choose_gpus, named_gpus, visible_gpus
from bench.experiment.request import ClassifierRef, DatasetRef, RunRequest, Split, parse_seeds

CLASSIFIERS = {"guide": "resnet-xs", "judge": "resnet-s"}
GPU_THREADS = 4  # of a job on a GPU of another machine
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
    split: Split = "test",
    labels: int | None,
    seeds: str,
    budget: str | None,
    settings: Sequence[str],
    guide: str | None,
    judge: str | None,
    device: str,
    jobs: int | None,
    engine: Engine = LOCAL,
    isolated: Sequence[str] = (),
) -> RunRequest:
    """A request in which defaults stand for None. Raises `BenchError` for text that cannot be parsed."""
    if isolated and not engine.is_local:
        raise BenchError(f"--isolated works on this machine only: expected --executor local, got {engine.name}")
    at_once, threads = (
        share_cores(device, jobs, engine.jobs_per_gpu) if engine.is_local else nodes(device, jobs, engine)
    )
    asked = DatasetRef.parse(dataset, labels)
    if labels is None:
        asked.require_path()
    return RunRequest(
        plugins=plugins,
        dataset=replace(asked, split=split),
        seeds=parse_seeds(seeds),
        budget=budget or default_budget(device),
        set=tuple(settings),
        guide=_classifier("guide", guide),
        judge=_classifier("judge", judge),
        device=device,
        jobs=at_once,
        threads=threads,
        engine=engine,
        isolated=tuple(isolated),
    )


def _classifier(role: Literal["guide", "judge"], asked: str | None) -> ClassifierRef:
    default = default_classifier(role)
    return ClassifierRef.parse(asked or default, default)


def share_cores(device: str, jobs: int | None, jobs_per_gpu: int | None = None) -> tuple[int, int]:
    """How many jobs at a time, and how many threads for each.

    On a CPU a job computes on one thread, so that its numbers do not depend on how many cores there are, and as many
    jobs run at once as cores and memory allow. On GPUs it is `jobs_per_gpu` on each, by default one. `--jobs` or
    OMP_NUM_THREADS change that.
    """
    threads = min(cores(), asked) if (asked := _asked_threads()) else None
    if uses_gpu(device):
        room = gpu_count(device) * (jobs_per_gpu or 1)
        at_once = min(jobs, room) if jobs and jobs_per_gpu else jobs or room
        return at_once, threads or max(1, cores() // at_once)
    if jobs is not None:
        return jobs, threads or max(1, cores() // jobs)
    threads = threads or 1
    return max(1, min(cores() // threads, _memory() // JOB_MEMORY)), threads


def nodes(device: str, jobs: int | None, engine: Engine) -> tuple[int, int]:
    """The same for jobs on other machines: 0 jobs stand for as many as there is room for.

    Raises `BenchError` unless `device` says what these machines compute on.
    """
    if device not in ("cpu", "cuda"):
        why = ", since the cluster assigns the GPUs" if device.startswith("cuda:") else ""
        raise BenchError(
            f"--executor {engine.name}: expected --device cpu or --device cuda, which the nodes are to compute on{why}, "
            f"got {device}"
        )
    return jobs or 0, _asked_threads() or (GPU_THREADS if device == "cuda" else 1)


def gpu_count(device: str) -> int:
    """How many GPUs of this machine `--device` means; 1 if it has none, which is reported later."""
    asked = named_gpus(device)
    names = visible_gpus() if asked is None else []
    return len(asked) if asked else max(1, len(choose_gpus("cuda", names)[0]) if names else 0)


def _asked_threads() -> int | None:
    asked = os.environ.get("OMP_NUM_THREADS", "")
    return int(asked) if asked.isdigit() and int(asked) else None


def cores() -> int:
    """The cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _memory() -> int:
    import psutil

    return int(psutil.virtual_memory().total)
