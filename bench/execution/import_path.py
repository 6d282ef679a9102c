"""What processes of `bench` import from: what is installed and PYTHONPATH, never the folder in which they were started."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

SAFE = "PYTHONSAFEPATH"  # tells Python not to import from the current folder


def leave_out_current_folder() -> None:
    """Change `sys.path`. Python puts the current folder first for `python -m`; consoles and notebooks write it as "".

    It stays if PYTHONPATH names it, or if a package is installed there, whose entry comes later in the list.
    """
    sys.path[:] = [entry for entry in sys.path if entry]
    asked = any(entry and _is_here(entry) for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep))
    if not (sys.flags.safe_path or asked) and sys.path and _is_here(sys.path[0]):
        del sys.path[0]


@contextmanager
def safe_import_path() -> Iterator[None]:
    """For the start of processes, which take over `sys.path` and the environment of this one."""
    path, variable = list(sys.path), os.environ.get(SAFE)
    leave_out_current_folder()
    os.environ[SAFE] = "1"
    try:
        yield
    finally:
        sys.path[:] = path
        os.environ.pop(SAFE)
        os.environ.update({} if variable is None else {SAFE: variable})


def _is_here(entry: str) -> bool:
    try:
        return os.path.samefile(entry, os.curdir)
    except OSError:
        return False
