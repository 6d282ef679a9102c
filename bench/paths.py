"""Where files lie: the cache of what can be made or fetched again, and the folders searched for data sets."""

import os
from pathlib import Path

SYSTEM_DATA = Path("/usr/share/datasets")  # where Debian's dataset-* packages put theirs


def cache_dir() -> Path:
    """The folder of all that can be made or fetched again: $BENCH_CACHE, or `bench` in the user's cache."""
    configured = os.environ.get("BENCH_CACHE")
    if configured:
        return Path(configured).expanduser()
    import platformdirs

    return platformdirs.user_cache_path("bench")


def data_roots(root: str | Path | None = None) -> list[Path]:
    """The folders searched for data sets, first to last: `root`, $BENCH_DATA, the cache, the system's."""
    named = [str(root)] if root is not None else []
    named += [part for part in os.environ.get("BENCH_DATA", "").split(os.pathsep) if part]
    return [*(Path(part).expanduser() for part in named), cache_dir() / "data", SYSTEM_DATA]


def tilde(path: Path) -> str:
    """A path for rows and boards, that other people read: the home directory is ~."""
    return f"~/{path.relative_to(Path.home())}" if path.is_relative_to(Path.home()) else str(path)
