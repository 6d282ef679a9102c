"""The far side of the engine: one task in a process of its own, its events as lines of JSON to the host."""

import ctypes
import io
import json
import os
import resource
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import torch

import bench.metrics.table  # noqa: F401  loaded once, before the fork, and shared by all workers
import bench.training.guide_and_judge as examiners
from bench.api import Dataset
from bench.data.label_subset import few_labels
from bench.errors import BenchError, Diverged
from bench.execution.tasks import run_job
from bench.experiment.budget import find_budget
from bench.experiment.job import Job
from bench.experiment.request import argument_settings, split_argument, split_labels
from bench.registry.plugins import Plugins
from bench.results.run_dir import RunDir
from bench.training.context import Emit, JobContext
from bench.util.failure import explain
from bench.util.processes import end_children

PR_SET_CHILD_SUBREAPER = 36  # of <linux/prctl.h>


def work(connection: Connection, payload: bytes) -> None:
    """Do the task in `payload` and say how it ended. Dies with the host, whose end of the pipe then closes."""
    with suppress(OSError):
        os.setsid()  # so that the host can end this process with all its children
    signal.signal(signal.SIGINT, signal.default_int_handler)  # which the server of processes ignores
    _adopt_orphans()
    threading.Thread(target=_die_with_the_host, args=(connection,), daemon=True).start()
    task = json.loads(payload)
    _redirect_output(Path(task["log"]))
    _limit_files(task["file_mb"])
    _use_threads(task["threads"])
    lock = threading.Lock()

    def emit(**event: Any) -> None:
        line = json.dumps(event).encode() + b"\n"
        with lock:
            while line:
                line = line[os.write(connection.fileno(), line) :]

    try:
        outcome = _outcome(TASKS[task["kind"]], task, emit)
        with suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        end_children()
        emit(**outcome)
    finally:
        os._exit(0)  # whatever threads the plugin left behind


def _outcome(do: Callable[[dict[str, Any], Emit], None], task: dict[str, Any], emit: Emit) -> dict[str, Any]:
    try:
        do(task, emit)
    except Diverged as error:
        return {"end": "diverged", "reason": explain(error)}
    except BaseException as error:
        return {"end": "failed", "reason": explain(error)}
    return {"end": "ok", "reason": ""}


def fit_examiner(task: dict[str, Any], emit: Emit) -> None:
    """Fit the guide or the judge, or find it in the cache, and tell its accuracy."""
    plugins = Plugins().avoid(task["avoid"])
    dataset, subset = load_dataset(plugins, task["dataset"])
    seen = subset if task["role"] == "guide" else dataset
    examiner = load_examiner(plugins, seen, task, task["role"], task[task["role"]], emit)
    emit(examiner=task["role"], label=examiner.label, accuracy=examiner.accuracy, cached=examiner.cached)


def do_job(task: dict[str, Any], emit: Emit) -> None:
    """Train and examine one entry; a second process at the same job waits, and finds it done."""
    from filelock import FileLock

    job = Job.from_dict(task["job"])
    plugins, run_dir = Plugins().avoid(task["avoid"]), RunDir(Path(task["runs"]), job)
    dataset, subset = load_dataset(plugins, job.dataset)
    if subset.digest != job.data_digest:
        raise BenchError(f"the files of {job.dataset} changed since this run was planned; run it again")
    context = JobContext(
        run_dir=run_dir,
        dataset=dataset,
        subset=subset,
        guide=load_examiner(plugins, subset, task, "guide", job.guide, emit),
        find_judge=lambda: load_examiner(plugins, dataset, task, "judge", job.judge, emit),
        device=torch.device(task["device"]),
        precision=task["precision"],
        cache=Path(task["cache"]),
        emit=emit,
        checkpoint_every=task["checkpoint_every"],
    )
    run_dir.path.mkdir(parents=True, exist_ok=True)
    with FileLock(run_dir.path / ".lock"):
        run_job(context, plugins)


TASKS = {"examiner": fit_examiner, "job": do_job}


def load_dataset(plugins: Plugins, name: str) -> tuple[Dataset, Dataset]:
    """The data set behind `name` or `name:argument`, and what methods see of it where `@n` cuts it to few labels."""
    whole, per_class = split_labels(name)
    base, argument = split_argument(whole)
    dataset = plugins.find("datasets", base).target(argument).load()
    return dataset, few_labels(dataset, per_class)


def load_examiner(
    plugins: Plugins, dataset: Dataset, task: dict[str, Any], role: examiners.Role, name: str, emit: Emit
) -> examiners.FittedClassifier:
    """The guide or the judge: `timm:resnet18` means the entry timm with its setting `name` at resnet18."""

    def progress(phase: str, images: int, of: int, scalars: dict[str, float]) -> None:
        emit(phase=f"fitting the {role}", images=images, of=of, scalars=scalars)

    return examiners.examiner(
        role,
        plugins.find("classifiers", split_argument(name)[0]).target,
        name,
        argument_settings(name),
        dataset,
        budget=find_budget(task["budget"]),
        device=torch.device(task["device"]),
        threads=task["threads"],
        precision=task["precision"],
        cache=Path(task["cache"]),
        progress=progress,
        checkpoint_every=task["checkpoint_every"],
    )


def _die_with_the_host(connection: Connection) -> None:
    with suppress(EOFError, OSError):
        connection.recv_bytes()
    end_children()
    os._exit(1)


def _adopt_orphans() -> None:
    """Become the parent of what a child leaves behind, so that it can be ended too. Linux only."""
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _limit_files(megabytes: float | None) -> None:
    """No file larger than this, by this process or its children: a write beyond it is an OSError."""
    if megabytes is not None:
        hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
        most = int(megabytes * 2**20)
        resource.setrlimit(resource.RLIMIT_FSIZE, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def _redirect_output(log: Path) -> None:
    """Everything printed, by Python or not, goes to the log of the task."""
    log.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for stream in (1, 2):
        os.dup2(handle, stream)
    os.close(handle)
    sys.stdout = io.TextIOWrapper(os.fdopen(1, "wb", closefd=False), "utf-8", "replace", line_buffering=True)
    sys.stderr = io.TextIOWrapper(os.fdopen(2, "wb", closefd=False), "utf-8", "replace", line_buffering=True)


def _use_threads(threads: int) -> None:
    torch.set_num_threads(threads)
    with suppress(RuntimeError):  # settable once
        torch.set_num_interop_threads(1)
