"""The connection of this process to a Ray cluster. Ray is imported here, once it is asked for."""

import logging
import os
import socket
from collections.abc import Callable, Collection, Iterator
from importlib import import_module
from typing import Any

from bench.errors import BenchError
from bench.experiment.defaults import cores
from bench.experiment.engine import Engine

_JOINED: list[Any] = []  # the module, if this process has joined a cluster here and not before
PATIENCE = 10.0  # seconds to reach the address of a cluster


def connect(engine: Engine) -> Any:
    """The module `ray`, connected to the cluster that `engine` names. Raises `BenchError` if there is none."""
    try:
        ray = import_module("ray")
    except ImportError as error:
        raise BenchError(
            "--executor ray: Ray is not installed; install it with pip install 'classifier-bench[ray]'"
        ) from error
    if ray.is_initialized():
        return ray
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    address = engine.option("address") or os.environ.get("RAY_ADDRESS") or "auto"
    more = {"num_cpus": cores(), "include_dashboard": False} if address == "local" else {}
    _check(address)
    try:
        ray.init(address, log_to_driver=False, logging_level=logging.ERROR, **more)
    except Exception as error:  # ConnectionError, RuntimeError and others
        raise BenchError(_not_found(address, error)) from error
    _JOINED.append(ray)
    return ray


def disconnect() -> None:
    """Leave the cluster that `connect` has joined; end it if it was started there."""
    while _JOINED:
        _JOINED.pop().shutdown()


def _check(address: str) -> None:
    """Raise `BenchError` for an address at which nothing answers: Ray itself would try for a minute."""
    if address in ("auto", "local"):
        return
    host, colon, port = address.rpartition(":")
    if "://" in address or not (host and colon and port.isdigit()):
        raise BenchError(
            f"--ray: address: expected HOST:PORT of a cluster that this machine belongs to, or local, got {address!r}"
        )
    try:
        socket.create_connection((host, int(port)), PATIENCE).close()
    except (OSError, OverflowError) as error:
        raise BenchError(f"--ray: no Ray cluster at {address}: {error}") from error


def _not_found(address: str, error: Exception) -> str:
    if address == "auto":
        return (
            "--executor ray: no Ray cluster was found; name one that this machine belongs to with --ray "
            "address=HOST:PORT, or start one on this machine alone with --ray address=local"
        )
    return f"--ray: cannot connect to the Ray cluster at {address}: {' '.join(str(error).split())[:300]}"


def nodes_with(ray: Any, cpus: float, gpus: float) -> dict[str, str]:
    """The nodes that have room for a job: their addresses by id."""
    return {
        node["NodeID"]: node["NodeManagerAddress"]
        for node in ray.nodes()
        if node["Alive"] and _has(node["Resources"], "CPU", cpus) and _has(node["Resources"], "GPU", gpus)
    }


def _has(resources: dict[str, float], name: str, amount: float) -> bool:
    return resources.get(name, 0.0) >= amount


def places(ray: Any, cpus: float, gpus: float) -> int:
    """How many jobs the whole cluster has room for."""
    found = ray.cluster_resources()
    by_cpu = found.get("CPU", 0.0) // cpus
    return max(1, int(min(by_cpu, found.get("GPU", 0.0) / gpus + 1e-9) if gpus else by_cpu))


def elsewhere(excluded: Collection[str]) -> dict[str, Any]:
    """The option of a task that keeps it from these nodes."""
    return {"label_selector": {"ray.io/node-id": f"!in({','.join(sorted(excluded))})"}} if excluded else {}


def on_any_node(function: str) -> Callable[..., Iterator[tuple[str, Any]]]:
    """A generator for Ray that calls `function` of ray_node.py. It says first on which node it runs.

    It is sent by its code, since it is defined here in a function: a node without bench can say so.
    """

    def call(*arguments: Any) -> Iterator[tuple[str, Any]]:
        from importlib import import_module

        yield "node", import_module("ray").get_runtime_context().get_node_id()
        try:
            from bench.execution.executors import ray_node
        except ImportError as error:
            yield "refused", f"bench cannot be imported there, or is another version: {error}"
            return
        yield from getattr(ray_node, function)(*arguments)

    return call
