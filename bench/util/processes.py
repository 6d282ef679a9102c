"""Child processes."""

from collections.abc import Collection
from contextlib import suppress
from typing import Any


def children() -> set[Any]:
    """The children of this process, psutil's, without theirs."""
    import psutil

    with suppress(psutil.Error):
        return set(psutil.Process().children())
    return set()


def end_children(but: Collection[Any] = ()) -> None:
    """Kill all descendants of this process, except the children in `but` and theirs."""
    import psutil

    for child in children().difference(but):
        with suppress(psutil.Error):  # it has ended
            for one in [*child.children(recursive=True), child]:
                _kill(one)


def _kill(process: Any) -> None:
    import psutil

    with suppress(psutil.Error):
        process.kill()
