"""Where files are: the cache, and the folders that are searched for data sets."""

import os
import re
from contextlib import suppress
from pathlib import Path

from bench.errors import BenchError

SYSTEM_DATA = Path("/usr/share/datasets")  # of Debian's dataset-* packages


def cache_dir() -> Path:
    """The folder for everything that can be rebuilt: $BENCH_CACHE, or `bench` in the user's cache."""
    configured = os.environ.get("BENCH_CACHE")
    if configured:
        return expanded(configured)
    import platformdirs

    with suppress(RuntimeError):  # newer versions of platformdirs raise, older ones keep the ~
        if (cache := platformdirs.user_cache_path("bench")).is_absolute():
            return cache
    raise BenchError("no home directory for the cache; set BENCH_CACHE")


def data_roots(root: str | Path | None = None) -> list[Path]:
    """The folders searched for data sets, first to last: `root`, $BENCH_DATA, the cache, the system's."""
    named = [str(root)] if root is not None else []
    named += [part for part in os.environ.get("BENCH_DATA", "").split(os.pathsep) if part]
    return [*map(expanded, named), cache_dir() / "data", SYSTEM_DATA]


RANGE = re.compile(r"(.+):range=(\d{1,5})-(\d{1,5})", re.ASCII | re.DOTALL)


def split_range(text: str) -> tuple[str, tuple[int, int] | None]:
    """`PATH:range=LOW-HIGH` as its two parts. A path that exists as written has no range."""
    match = None if os.path.exists(expanded(text)) else RANGE.fullmatch(text)
    return (match[1], (int(match[2]), int(match[3]))) if match else (text, None)


def expanded(text: str | Path) -> Path:
    """The path with `~` expanded. Raises `BenchError` if there is no such home directory."""
    try:
        return Path(text).expanduser()
    except (RuntimeError, ValueError) as error:  # an unknown user, or no user name
        raise BenchError(f"cannot expand {str(text)!r}: no such home directory") from error


def folder_hint(*texts: str) -> str:
    """How images at a path are asked for as a data set, if there is something at one of `texts`; else empty."""
    with suppress(BenchError):
        if any(os.path.exists(expanded(text)) for text in texts if text):
            return f"for the images there, use {f'folder:{texts[0]}'!r}"
    return ""


def tilde(path: Path) -> str:
    """A path for boards, which other people read: the home directory becomes `~`."""
    try:
        return f"~/{path.relative_to(Path.home())}"
    except (RuntimeError, ValueError):  # no home, or elsewhere
        return str(path)
