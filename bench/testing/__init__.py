"""The contract as a test: what every generator, classifier and data set promises, for `bench test` and for pytest.

A promise is one small function whose docstring states it; docs/writing-a-plugin.md quotes them all.
"""

from dataclasses import dataclass
from typing import Any

from bench.testing.data import tiny_dataset
from bench.testing.guide import TinyClassifier
from bench.testing.promise import Promise, PromiseBroken, Result, put
from bench.testing.report import conformance, promises_of

__all__ = [
    "Promise", "PromiseBroken", "Question", "Result", "TinyClassifier", "check", "conformance", "promises",
    "promises_of", "tiny_dataset",
]  # fmt: skip


@dataclass(frozen=True)
class Question:
    """A promise put to one class: call it, and it raises where the promise is broken."""

    promise: Promise
    subject: Any

    def __call__(self) -> None:
        self.promise.check(self.subject)

    def __str__(self) -> str:
        return self.promise.name


def promises(target: type, *, device: str = "cpu", argument: str = "") -> list[Question]:
    """What this class promises, for `@pytest.mark.parametrize("promise", promises(MyGenerator), ids=str)`."""
    return [Question(promise, subject) for promise, subject in promises_of(target, device, argument)]


def check(target: type, *, device: str = "cpu", argument: str = "") -> list[Result]:
    """How this class does on each of its promises; nothing is raised, whatever it does."""
    return [put(question.promise, question.subject) for question in promises(target, device=device, argument=argument)]
