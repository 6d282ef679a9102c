"""Asking for another class: what else changes, and when that can be said."""

from collections.abc import Callable

import pytest
import torch
from lamp_generators import Lamps, lamps_dataset, paint

from bench.api import Data, Dataset, Factor, Spec
from bench.metrics import METRICS, EvaluationContext
from bench.metrics.control.class_leakage import class_factor
from bench.metrics.metric import NotMeasured

(METRIC,) = (metric for metric in METRICS if metric.name == "class-leakage")
FACTORS = (Factor("kind", "categorical", 0, 2, 3), *(Factor(f"lamp {i}", "linear", 0, 1) for i in range(3)))
THREE = Spec("lamps", 1, 16, ("a", "b", "c"), FACTORS)


def of_class(leak: float) -> Callable[[torch.Tensor, torch.Generator], torch.Tensor]:
    """Lamps drawn from `rng`; the first is moved by the class, by `leak` of its range."""

    def draw(labels: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
        lamps = torch.rand((len(labels), 4), generator=rng)
        lamps[:, 0] = (1 - leak) * lamps[:, 0] + leak * labels / 2
        return paint(lamps)

    return draw


def of_kind(data: Data, kind: torch.Tensor) -> Data:
    """The images with the first factor as their class."""
    return Data(THREE, data.images, kind, torch.cat([kind[:, None].float(), torch.zeros(len(data), 3)], dim=1))


@pytest.fixture
def evaluate_class(evaluate) -> Callable[[float], EvaluationContext]:
    plain = lamps_dataset()

    def split(data: Data) -> Data:
        return of_kind(data, torch.arange(len(data)) % 3)

    dataset = Dataset(THREE, split(plain.train), split(plain.validation), split(plain.test), "three")

    def make(leak: float) -> EvaluationContext:
        model = Lamps(lambda c, rng: torch.zeros(len(c), 4))
        model.spec = THREE
        model.sample_class = of_class(leak)
        return evaluate(model, dataset=dataset, conditional=True)

    return make


def test_a_class_that_changes_nothing_else_has_no_leakage(evaluate_class):
    assert METRIC.compute(evaluate_class(0.0)).value == pytest.approx(0, abs=1e-6)


def test_a_class_that_decides_an_attribute_leaks_into_that_one(evaluate_class):
    """The classes put the lamp at 0, 1/2 and 1: variance 1/6, over that of a uniform lamp, 1/12."""
    measured = METRIC.compute(evaluate_class(1.0))
    assert measured.parts["lamp-0"] == pytest.approx(2, abs=0.25)
    assert measured.parts["lamp-1"] == pytest.approx(0, abs=1e-6)
    assert measured.value == pytest.approx(2 / 3, abs=0.1)


def test_without_a_class_factor_it_is_not_known_what_the_class_may_change(evaluate):
    model = Lamps(lambda c, rng: torch.zeros(len(c), 4))
    model.sample_class = of_class(0.0)
    with pytest.raises(NotMeasured, match="the attributes of lamps depend on the class in real images too"):
        METRIC.compute(evaluate(model, conditional=True))


def test_the_class_is_the_factor_that_equals_the_labels_whatever_the_number_of_its_values():
    plain, kind = lamps_dataset().test, torch.arange(300) % 3
    data = of_kind(plain, kind)
    assert class_factor(data) == 0
    assert class_factor(Data(THREE, data.images, (kind + 1) % 3, data.factors)) is None
    assert class_factor(plain) is None
