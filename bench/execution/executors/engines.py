"""The executor of a run, and the device that it computes on. An engine is imported if it is asked for."""

import logging
from pathlib import Path

from bench.execution.executors.base import Executor
from bench.execution.executors.local import LocalExecutor
from bench.execution.executors.needs import needs_of
from bench.execution.plan import Plan
from bench.experiment.device import Device, find_device
from bench.experiment.gpus import choose_gpus, masks, visible_gpus
from bench.experiment.request import RunRequest

logger = logging.getLogger("bench")


def device_of(request: RunRequest, runs: Path) -> Device:
    """The device that the jobs of a request compute on. Raises `BenchError` if there is none or it cannot be found out."""
    if request.engine.name == "slurm":
        from bench.execution.executors import slurm

        return slurm.device_of(request, runs)
    if request.engine.name == "ray":
        from bench.execution.executors import ray_cluster

        return ray_cluster.device_of(request)
    return find_device(request.device, request.threads)


def executor_of(plan: Plan, runs: Path, cache: Path) -> Executor:
    """What carries out a plan."""
    request = plan.request
    if request.engine.name == "slurm":
        from bench.execution.executors.slurm import SlurmExecutor

        return SlurmExecutor(request, needs_of(plan), runs, cache)
    if request.engine.name == "ray":
        from bench.execution.executors.ray_cluster import RayExecutor

        return RayExecutor(request, needs_of(plan), runs, cache, plan.classifier_keys)
    return LocalExecutor(request.jobs, _gpus(request) if plan.device.kind != "cpu" else ())


def places(request: RunRequest) -> int:
    """How many jobs run at a time: as many as the user allows, or as there is room for."""
    if request.jobs:
        return request.jobs
    if request.engine.name == "ray":
        from bench.execution.executors import ray_cluster

        return ray_cluster.room(request)
    from bench.execution.executors import slurm

    return slurm.room(request)


def _gpus(request: RunRequest) -> tuple[str, ...]:
    names = visible_gpus()
    chosen, left = choose_gpus("cuda" if request.device == "auto" else request.device, names)
    for index in left:
        logger.warning("cuda:%d (%s) is not used: it is not a %s like cuda:0", index, names[index], names[0])
    return masks(chosen)
