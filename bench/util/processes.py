"""Child processes."""

from contextlib import suppress


def end_children() -> None:
    """Kill all descendants of this process."""
    import psutil

    with suppress(psutil.Error):
        for child in psutil.Process().children(recursive=True):
            with suppress(psutil.Error):  # it has ended
                child.kill()
