"""Where files lie: the cache of what can be made or fetched again, and the folders searched for data sets."""

import os
from contextlib import suppress
from pathlib import Path

from bench.errors import BenchError

SYSTEM_DATA = Path("/usr/share/datasets")  # where Debian's dataset-* packages put theirs


def cache_dir() -> Path:
    """The folder of all that can be made or fetched again: $BENCH_CACHE, or `bench` in the user's cache."""
    configured = os.environ.get("BENCH_CACHE")
    if configured:
        return expanded(configured)
    import platformdirs

    with suppress(RuntimeError):  # how newer versions of platformdirs say it; older ones leave the ~ as it is
        if (cache := platformdirs.user_cache_path("bench")).is_absolute():
            return cache
    raise BenchError("there is no home directory to keep a cache in: set BENCH_CACHE")


def data_roots(root: str | Path | None = None) -> list[Path]:
    """The folders searched for data sets, first to last: `root`, $BENCH_DATA, the cache, the system's."""
    named = [str(root)] if root is not None else []
    named += [part for part in os.environ.get("BENCH_DATA", "").split(os.pathsep) if part]
    return [*map(expanded, named), cache_dir() / "data", SYSTEM_DATA]


def expanded(text: str | Path) -> Path:
    """A path whose `~` is a home directory. Raises `BenchError` where there is none."""
    try:
        return Path(text).expanduser()
    except (RuntimeError, ValueError) as error:  # nobody of that name, or no name at all
        raise BenchError(f"{text} begins with a home directory that there is not") from error


def tilde(path: Path) -> str:
    """A path for rows and boards, that other people read: the home directory is ~."""
    try:
        return f"~/{path.relative_to(Path.home())}"
    except (RuntimeError, ValueError):  # no home, or elsewhere
        return str(path)
