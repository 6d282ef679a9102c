"""File systems whose locks do not reach other machines."""

import os
from pathlib import Path

MOUNTS = Path("/proc/self/mountinfo")  # Linux only; elsewhere nothing is known
LOCAL = {"nfs": ("nolock", "local_lock=all", "local_lock=flock"), "lustre": ("localflock",)}


def local_locks(folder: Path, mounts: Path = MOUNTS) -> str:
    """`NFS mounted with nolock` if `folder` is on a network file system that keeps locks on each machine; else empty."""
    try:
        lines = mounts.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return ""
    path, best, found = Path(os.path.realpath(folder)), -1, ""
    for line in lines:
        before, _, after = line.partition(" - ")
        fields, system = before.split(), after.split()
        if len(fields) < 6 or len(system) < 3:
            continue
        point = Path(fields[4].encode().decode("unicode_escape"))
        if path.is_relative_to(point) and len(point.parts) >= best:  # a later mount hides an earlier one
            best, found = len(point.parts), _complaint(system[0], f"{fields[5]},{system[2]}".split(","))
    return found


def _complaint(system: str, options: list[str]) -> str:
    kind = "nfs" if system.startswith("nfs") else system
    bad = [option for option in LOCAL.get(kind, ()) if option in options]
    return f"{kind.upper() if kind == 'nfs' else kind} mounted with {bad[0]}" if bad else ""
