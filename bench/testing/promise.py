"""What a promise is: a sentence, a check that raises when it is broken, and the result of asking."""

import traceback
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal
from unittest import SkipTest

Check = Callable[[Any], None]  # takes a subject: bench.testing.subject
HOST = Path(__file__).parents[1]


class PromiseBroken(AssertionError):
    """What was got and what was promised."""


class Skipped(SkipTest):
    """Why a promise could not be put to the test; pytest shows it as a skip."""


@dataclass(frozen=True)
class Promise:
    """One thing that every plugin of a kind does. `needs`: the capabilities of which one makes it apply."""

    name: str  # snake_case, the function's
    sentence: str  # the first paragraph of its docstring, quoted in the docs
    check: Check
    needs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Result:
    """How one entry did on one promise; a reason wherever that is not ok."""

    entry: str
    kind: str
    promise: str
    status: Literal["ok", "failed", "skipped"]
    reason: str = ""

    def to_dict(self) -> dict[str, str]:
        return asdict(self)


def promise(*needs: str) -> Callable[[Check], Promise]:
    """Turn a function into the promise that its docstring states."""

    def wrap(check: Check) -> Promise:
        paragraph = (check.__doc__ or "").split("\n\n")[0]
        return Promise(check.__name__, " ".join(paragraph.split()), check, needs)

    return wrap


def collect(namespace: Mapping[str, object]) -> tuple[Promise, ...]:
    """The promises of a module, in the order of its source."""
    return tuple(value for value in namespace.values() if isinstance(value, Promise))


def require(condition: bool, message: str) -> None:
    """Raises `PromiseBroken` with `message` where the condition does not hold."""
    if not condition:
        raise PromiseBroken(message)


def put(promise: Promise, subject: Any, entry: str = "", kind: str = "") -> Result:
    """Put one promise to the test and tell how it went, whatever the plugin does short of ending the process."""
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
    """An exception as one line, with the last place outside the host that it passed through."""
    text = f"{type(error).__name__}: {' '.join(str(error).split())}"[:400]
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if HOST not in Path(frame.filename).parents]
    own = [frame for frame in frames if "site-packages/torch/" not in Path(frame.filename).as_posix()]
    return f"{text} ({Path(own[-1].filename).name}:{own[-1].lineno})" if own else text
