"""What a node must have, so that it computes what the plan says: versions, source files of plugins, and the device."""

from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from bench.errors import BenchError
from bench.execution.plan import Plan
from bench.experiment.device import find_device
from bench.registry.groups import installed
from bench.registry.plugins import OWN
from bench.registry.sources import source_digest

LIBRARIES = (OWN, "torch", "timm")  # their versions are in the keys of results


@dataclass(frozen=True)
class Needs:
    """What must be equal on a node."""

    device: str  # as --device says it
    threads: int
    device_name: str
    versions: dict[str, str]  # of distributions
    source: str  # digest of the files of bench
    plugins: dict[str, tuple[str, str]]  # by name: version, and digest of its files

    @classmethod
    def from_dict(cls, parts: dict[str, Any]) -> "Needs":
        plugins = {name: (one, other) for name, (one, other) in parts["plugins"].items()}
        return cls(**parts | {"plugins": plugins})


def needs_of(plan: Plan) -> Needs:
    device = "cpu" if plan.device.kind == "cpu" else "cuda"
    versions = {name: _version(name) for name in LIBRARIES}
    return Needs(
        device, plan.device.threads, plan.device.name, versions, source_digest("bench"), _installed(plan.plugins)
    )


def complaint(needs: Needs) -> str:
    """Why this machine cannot stand in for the one that made the plan; empty if it can."""
    for name, wanted in needs.versions.items():
        if (found := _version(name)) != wanted:
            return f"{name} is {found or 'not installed'} there, and {wanted} here"
    if source_digest("bench") != needs.source:
        return f"the source files of {OWN} {needs.versions[OWN]} differ there from those here"
    found_plugins = _installed(frozenset(needs.plugins))
    for name, (wanted, source) in needs.plugins.items():
        if name not in found_plugins:
            return f"the plugin {name!r} is not installed there"
        version_there, source_there = found_plugins[name]
        if version_there != wanted:
            return f"the plugin {name!r} has version {version_there} there, and {wanted} here"
        if source_there != source:
            return f"the source files of the plugin {name!r} {wanted} differ there from those here"
    return _other_device(needs)


def _other_device(needs: Needs) -> str:
    try:
        found = find_device(needs.device, needs.threads).name
    except BenchError as error:
        return str(error)
    return "" if found == needs.device_name else f"it computes on {found!r}, and the plan is for {needs.device_name!r}"


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _installed(names: frozenset[str]) -> dict[str, tuple[str, str]]:
    points = sorted((point for point in installed() if point.name in names), key=lambda p: p.name)
    return {point.name: (point.dist.version if point.dist else "0", source_digest(point.value)) for point in points}
