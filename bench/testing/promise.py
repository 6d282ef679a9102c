"""A promise: a sentence, a function that raises if the promise is broken, and the result of calling it."""

import traceback
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal
from unittest import SkipTest

CheckFunction = Callable[[Any], None]  # of a subject: see bench.testing.subject
HOST = Path(__file__).parents[1]


class PromiseBroken(AssertionError):
    """The promise is broken; the message says what was expected and what was found."""


class Skipped(SkipTest):
    """The check could not run; the message says why. pytest reports a skip."""


@dataclass(frozen=True)
class Promise:
    """A requirement for all plugins of a kind; with `needs`, for those with at least one of these capabilities."""

    name: str  # snake_case, the function's
    sentence: str  # the first paragraph of its docstring, quoted in the docs
    check: CheckFunction
    needs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Result:
    """The result of one check on one entry, with a reason unless it is ok."""

    entry: str
    kind: str
    promise: str
    status: Literal["ok", "failed", "skipped"]
    reason: str = ""

    def to_dict(self) -> dict[str, str]:
        return asdict(self)


def promise(*needs: str) -> Callable[[CheckFunction], Promise]:
    """Turn a function into the promise that its docstring states."""

    def wrap(check: CheckFunction) -> Promise:
        paragraph = (check.__doc__ or "").split("\n\n")[0]
        return Promise(check.__name__, " ".join(paragraph.split()), check, needs)

    return wrap


def collect(namespace: Mapping[str, object]) -> tuple[Promise, ...]:
    """The promises of a module, in the order of its source."""
    return tuple(value for value in namespace.values() if isinstance(value, Promise))


def require(condition: bool, message: str) -> None:
    """Raises `PromiseBroken` with `message` unless the condition holds."""
    if not condition:
        raise PromiseBroken(message)


def check_one(promise: Promise, subject: Any, entry: str = "", kind: str = "") -> Result:
    """Check one promise and return the result. Exceptions of the plugin, `SystemExit` included, become failures."""
    try:
        promise.check(subject)
    except Skipped as skipped:
        return Result(entry, kind, promise.name, "skipped", str(skipped))
    except PromiseBroken as broken:
        return Result(entry, kind, promise.name, "failed", str(broken))
    except (Exception, SystemExit) as error:
        return Result(entry, kind, promise.name, "failed", describe(error))
    return Result(entry, kind, promise.name, "ok")


def describe(error: BaseException) -> str:
    """An exception as one line, with the innermost line outside of bench and torch in its traceback."""
    text = f"{type(error).__name__}: {' '.join(str(error).split())}"[:400]
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if HOST not in Path(frame.filename).parents]
    own = [frame for frame in frames if "site-packages/torch/" not in Path(frame.filename).as_posix()]
    return f"{text} ({Path(own[-1].filename).name}:{own[-1].lineno})" if own else text
