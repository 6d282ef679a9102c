"""The same computation in a process of its own, with other hashes of texts: what depends on neither is reproducible.

Run as a module, it reads what to compute from standard input and prints the digests as JSON.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from importlib import import_module
from typing import Any

import torch

from bench.testing.promise import Skipped, require

HASHES = ("1", "2")  # seeds of the hashes of texts; the child gets one that the parent does not have
TAIL = 300  # characters of what a failed process wrote


def require_same_elsewhere(subject: Any) -> None:
    """Require the digests of `subject.digests()` from another process. Raises `Skipped` if it cannot import the class."""
    here, there = subject.digests(), _digests_elsewhere(subject)
    differ = [name for name in here if here[name] != there.get(name)]
    require(not differ, f"in another process: {', '.join(differ[:3])} differ{'s' if len(differ) == 1 else ''}")


def _digests_elsewhere(subject: Any) -> Mapping[str, str]:
    target = subject.target
    if not _importable(target):
        raise Skipped(f"another process cannot import {target.__qualname__} from a module {target.__module__!r}")
    kind = type(subject)
    asked = {"path": sys.path, "target": [target.__module__, target.__qualname__], "options": subject.options,
             "subject": [kind.__module__, kind.__qualname__], "threads": torch.get_num_threads()}  # fmt: skip
    other = next(seed for seed in HASHES if seed != os.environ.get("PYTHONHASHSEED"))
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, "-m", __name__], input=json.dumps(asked), text=True, capture_output=True, cwd=folder,
            env=os.environ | {"PYTHONHASHSEED": other, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            check=False,
        )  # fmt: skip
    require(done.returncode == 0, f"in another process: {' '.join(done.stderr.split())[-TAIL:]}")
    found: Mapping[str, str] = json.loads(done.stdout.splitlines()[-1])
    return found


def _importable(target: type) -> bool:
    if target.__module__ == "__main__" or target.__module__ not in sys.modules:
        return False
    return getattr(sys.modules[target.__module__], target.__qualname__, None) is target


def _answer() -> None:
    asked = json.load(sys.stdin)
    sys.path[:] = asked["path"]
    torch.set_num_threads(asked["threads"])
    target, subject = (getattr(import_module(module), name) for module, name in (asked["target"], asked["subject"]))
    print(json.dumps(subject(target, **asked["options"]).digests()))


if __name__ == "__main__":
    _answer()
