"""A promise: a sentence, a function that raises if the promise is broken, and the result of calling it."""

import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal
from unittest import SkipTest

from bench.testing.time_limit import SECONDS, TookTooLong, time_limit

CheckFunction = Callable[[Any], None]  # of a subject: see bench.testing.subject
HOST = Path(__file__).parents[1]


class PromiseBroken(AssertionError):
    """The promise is broken; the message says what was expected and what was found."""


class Skipped(SkipTest):
    """The check could not run; the message says why. pytest reports a skip."""


@dataclass(frozen=True)
class Promise:
    """A requirement for all plugins of a kind; with `needs`, for those with at least one of these capabilities."""

    id: str  # a letter for the kind and a number; never given to another promise
    name: str  # snake_case, the function's
    sentence: str  # the first paragraph of its docstring, quoted in the docs
    why: str  # the host needs it, in one line
    remedy: str  # what the author of a plugin that breaks it should do
    check: CheckFunction
    needs: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.id} {self.name.replace('_', ' ')}"


@dataclass(frozen=True)
class Result:
    """The result of one check on one entry, with a reason unless it is ok, and a remedy if it failed."""

    entry: str
    kind: str
    promise: str
    status: Literal["ok", "failed", "skipped"]
    reason: str = ""
    id: str = ""
    remedy: str = ""
    seconds: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def promise(id: str, *, why: str, remedy: str, needs: tuple[str, ...] = ()) -> Callable[[CheckFunction], Promise]:
    """Turn a function into the promise that its docstring states."""

    def wrap(check: CheckFunction) -> Promise:
        paragraph = (check.__doc__ or "").split("\n\n")[0]
        return Promise(id, check.__name__, " ".join(paragraph.split()), why, remedy, check, needs)

    return wrap


def collect(namespace: Mapping[str, object]) -> tuple[Promise, ...]:
    """The promises of a module, in the order of its source."""
    return tuple(value for value in namespace.values() if isinstance(value, Promise))


def require(condition: bool, message: str) -> None:
    """Raises `PromiseBroken` with `message` unless the condition holds."""
    if not condition:
        raise PromiseBroken(message)


def check_one(promise: Promise, subject: Any, entry: str = "", kind: str = "", seconds: float = SECONDS) -> Result:
    """Check one promise, for at most so many seconds, and return the result.

    Exceptions of the plugin, `SystemExit` included, become failures.
    """
    started = time.monotonic()
    status, reason = _outcome(promise, subject, seconds)
    took = round(time.monotonic() - started, 3)
    remedy = promise.remedy if status == "failed" else ""
    return Result(entry, kind, promise.name, status, reason, promise.id, remedy, took)


def _outcome(promise: Promise, subject: Any, seconds: float) -> tuple[Literal["ok", "failed", "skipped"], str]:
    try:
        with time_limit(seconds):
            promise.check(subject)
    except Skipped as skipped:
        return "skipped", str(skipped)
    except (PromiseBroken, TookTooLong) as broken:
        return "failed", str(broken)
    except (Exception, SystemExit) as error:
        return "failed", describe(error)
    return "ok", ""


def describe(error: BaseException) -> str:
    """An exception as one line, with the innermost line outside of bench and torch in its traceback."""
    if isinstance(error, TookTooLong):
        return str(error)
    text = f"{type(error).__name__}: {' '.join(str(error).split())}"[:400]
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if HOST not in Path(frame.filename).parents]
    own = [frame for frame in frames if "site-packages/torch/" not in Path(frame.filename).as_posix()]
    return f"{text} ({Path(own[-1].filename).name}:{own[-1].lineno})" if own else text
