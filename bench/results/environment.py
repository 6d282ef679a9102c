"""What a run ran on: versions of Python, the system and the libraries, the GPU's driver, and the commit of the host."""

import platform
import subprocess
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import bench

PACKAGES = ("classifier-bench", "torch", "timm", "torchvision", "numpy", "scipy", "scikit-learn", "pillow")
PATIENCE = 5.0  # seconds for an outside program


@cache
def environment() -> dict[str, str]:
    """By name; what cannot be found out is left out."""
    facts = {"python": platform.python_version(), "system": platform.platform(), "machine": platform.machine()}
    facts |= {name: found for name in PACKAGES if (found := _version(name))}
    facts |= {"driver": driver} if (driver := _driver()) else {}
    facts |= {"commit": commit} if (commit := _commit(Path(bench.__file__).parent)) else {}
    return facts


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _driver() -> str:
    """The version of NVIDIA's driver, as its kernel module states it."""
    try:
        return Path("/sys/module/nvidia/version").read_text().strip()
    except OSError:
        return ""


def _commit(folder: Path) -> str:
    """The commit of the repository that holds this package, with "dirty" if files differ; empty outside of one."""
    command = ["git", "-C", str(folder), "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]
    try:
        inside = subprocess.run([*command[:3], "ls-files", "--error-unmatch", "__init__.py"], capture_output=True,
                                timeout=PATIENCE).returncode == 0  # fmt: skip
        found = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE) if inside else None
    except (OSError, subprocess.SubprocessError):
        return ""
    return found.stdout.strip() if found and found.returncode == 0 else ""
