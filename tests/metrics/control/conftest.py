"""Evaluation contexts of the lamps."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parent))

from lamp_generators import SPEC, LampOracle, lamps_dataset

from bench.api import Classifier, Dataset
from bench.metrics import EvaluationContext


class Blank(Classifier):
    """A judge of one class."""

    Config, source = None, ""  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__(None, SPEC)

    def fit(self, data: Any, run: Any) -> None: ...

    def features(self, images: torch.Tensor) -> list[torch.Tensor]:
        return [images.mean((1, 2))]

    def logits(self, images: torch.Tensor) -> torch.Tensor:
        return torch.zeros(len(images), 1)


@pytest.fixture(autouse=True)
def few_images_count_as_several(monkeypatch: pytest.MonkeyPatch) -> None:
    """Closed forms need more contexts and draws than a run with so few samples has."""
    monkeypatch.setattr("bench.metrics.scale.SMALL", 0)


@pytest.fixture(scope="session")
def lamps() -> Dataset:
    return lamps_dataset()


@pytest.fixture
def evaluate(lamps: Dataset) -> Callable[..., EvaluationContext]:
    """The evaluation context of a model, or of an anchor."""

    def make(model: Any = None, **changes: Any) -> EvaluationContext:
        defaults = {
            "model": model, "dataset": lamps, "samples": None, "conditional": False, "judge": Blank(),
            "judge_digest": "blank", "guide": Blank(), "device": torch.device("cpu"), "n": 100, "reference": 100,
            "seed": 0, "find_oracle": LampOracle, "oracle_kind": "factors",
        }  # fmt: skip
        return EvaluationContext(**defaults | changes)

    return make
