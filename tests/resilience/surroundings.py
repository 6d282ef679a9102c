"""What can be done to the surroundings of a process: disks that are full or read-only, no home, streams that are closed."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path

STRANGER = 54_321  # a user that nobody knows
BENCH = [sys.executable, "-m", "bench"]
Done = subprocess.CompletedProcess[str]


def run(command: Sequence[str], folder: Path, unset: Sequence[str] = (), **variables: str) -> Done:
    """A command to its end. `unset` names variables that it does not get."""
    environment = {name: value for name, value in os.environ.items() if name not in unset} | variables
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True,
                          errors="surrogateescape", timeout=1200, stdin=subprocess.DEVNULL)  # fmt: skip


def shell(script: str, folder: Path, **variables: str) -> Done:
    """A line for bash, in which `$BENCH` is the command."""
    return run(["bash", "-c", script], folder, BENCH=" ".join(BENCH), **variables)


@cache
def why_no_mounts() -> str:
    """Why no file system can be mounted for a process alone, or ""."""
    if shutil.which("unshare") is None:
        return "there is no unshare"
    tried = subprocess.run([*_unshare(), "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True, text=True)
    return "" if tried.returncode == 0 else f"no file system can be mounted here: {tried.stderr.strip()}"


def _unshare() -> list[str]:
    return ["unshare", "-m"] if os.geteuid() == 0 else ["unshare", "-rm"]


def on_a_disk(place: Path, kilobytes: int, command: Sequence[str]) -> list[str]:
    """The command, for which `place` is a disk of its own of that size."""
    return _within(f"mount -t tmpfs -o size={kilobytes}k none '{place}'", command)


def read_only(place: Path, command: Sequence[str]) -> list[str]:
    """The command, for which everything below `place` can be read and not written."""
    return _within(f"mount --bind '{place}' '{place}' && mount -o remount,bind,ro '{place}'", command)


def _within(mounting: str, command: Sequence[str]) -> list[str]:
    return [*_unshare(), "bash", "-c", f'{mounting} && cd . && exec "$@"', "bash", *command]


@cache
def why_no_stranger() -> str:
    """Why a process cannot be run as a user without a home, or ""."""
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        return "only root can become a user that nobody knows (setpriv)"
    if reason := why_no_mounts():
        return reason
    again = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import bench'], check=True)"
    tried = subprocess.run(as_a_stranger([sys.executable, "-c", again]), capture_output=True)
    return "" if tried.returncode == 0 else f"others may not run {sys.executable}"


def as_a_stranger(command: Sequence[str]) -> list[str]:
    """The command as a user who has no name and no home, but may run this Python wherever it is."""
    become = ["setpriv", "--reuid", str(STRANGER), "--regid", str(STRANGER), "--clear-groups"]
    return _within(_opened(Path(sys.base_prefix)), [*become, *command])


def _opened(place: Path) -> str:
    """Mounts that let others reach `place`, and nothing else that lies behind the same closed door."""
    closed = next((folder for folder in reversed(place.parents) if not folder.stat().st_mode & 0o001), None)
    if closed is None:
        return "true"
    return (
        f"mount --bind '{place}' /mnt && mount -t tmpfs -o mode=755 none '{closed}' && mkdir -p '{place}' && "
        f"mount --move /mnt '{place}'"
    )
