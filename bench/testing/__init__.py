"""The contract of plugins as tests for `bench test` and for pytest.

Each promise of a generator, a classifier or a data set is one small function whose docstring states it;
docs/writing-a-plugin.md quotes them all.
"""

from dataclasses import dataclass
from typing import Any

from bench.testing.data import tiny_dataset
from bench.testing.guide import TinyClassifier
from bench.testing.promise import Promise, PromiseBroken, Result, check_one
from bench.testing.report import conformance, promises_of
from bench.testing.time_limit import SECONDS, TookTooLong, time_limit

__all__ = [
    "Check",
    "Promise",
    "PromiseBroken",
    "Result",
    "TinyClassifier",
    "check",
    "conformance",
    "promises",
    "promises_of",
    "tiny_dataset",
]  # fmt: skip


@dataclass(frozen=True)
class Check:
    """The check of one promise on one class: a call raises an exception if the promise is broken."""

    promise: Promise
    subject: Any

    def __call__(self) -> None:
        try:
            with time_limit(SECONDS):
                self.promise.check(self.subject)
        except (PromiseBroken, TookTooLong) as broken:
            promise = self.promise
            raise PromiseBroken(f"{promise.id}: {broken}\nwhy: {promise.why}\nremedy: {promise.remedy}") from None

    def __str__(self) -> str:
        return f"{self.promise.id}-{self.promise.name}"


def promises(target: type, *, device: str = "cpu", argument: str = "") -> list[Check]:
    """The checks that apply to a class, for `@pytest.mark.parametrize("promise", promises(MyGenerator), ids=str)`."""
    return [Check(promise, subject) for promise, subject in promises_of(target, device, argument)]


def check(target: type, *, device: str = "cpu", argument: str = "") -> list[Result]:
    """The result of each check that applies to a class. Failures and exceptions become results."""
    return [check_one(each.promise, each.subject) for each in promises(target, device=device, argument=argument)]
