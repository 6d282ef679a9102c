"""Codes of real images against their factors: encoders that are known to be perfect, rotated or blind."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from lamp_generators import Lamps, identity, paint

from bench.api import Code, Data, Dataset, Factor, Spec
from bench.errors import BenchError
from bench.metrics import METRICS, EvaluationContext
from bench.metrics.metric import NotMeasured
from bench.training_run import generator

METRIC = {metric.name: metric for metric in METRICS}
FACTORS = tuple(Factor(f"lamp {index}", "linear", 0.0, 1.0) for index in range(4))
SPEC = Spec("lamps", 1, 16, ("only",), FACTORS)


class Painter:
    """Draws lamps of any brightness."""

    def draw_factors(self, n: int, rng: torch.Generator) -> torch.Tensor:
        return torch.rand((n, 4), generator=rng)

    def render(self, factors: torch.Tensor, size: int) -> torch.Tensor:
        return (paint(factors) * 255).round().to(torch.uint8)


def known_lamps(train: int = 2000, test: int = 4000) -> Dataset:
    def split(count: int, seed: int) -> Data:
        factors = Painter().draw_factors(count, generator("cpu", "known", seed))
        return Data(SPEC, Painter().render(factors, 16), torch.zeros(count, dtype=torch.int64), factors)

    return Dataset(SPEC, split(train, 0), split(30, 1), split(test, 2), "known lamps")


class Encoder(Lamps):
    """`change` turns the brightness of the four lamps, (n, 4), into codes."""

    def __init__(self, change: Callable[[torch.Tensor], torch.Tensor]) -> None:
        super().__init__(identity)
        self.spec, self.change = SPEC, change

    def encode(self, images: torch.Tensor) -> torch.Tensor:
        return self.change(images.mean((1, 2)).view(len(images), 4, 4).mean(2))


@pytest.fixture(scope="module")
def known() -> Dataset:
    return known_lamps()


@pytest.fixture
def measure(evaluate, known) -> Callable[..., float]:
    def make(name: str, change: Callable[[torch.Tensor], torch.Tensor], **options: Any) -> float:
        settings = {"dataset": known, "renderer": Painter()} | options
        context: EvaluationContext = evaluate(Encoder(change), **settings)
        return METRIC[name].compute(context).value

    return make


def rotate(lamps: torch.Tensor) -> torch.Tensor:
    """The first two lamps by 45 degrees, and the others as they are."""
    pair = torch.stack([lamps[:, 0] + lamps[:, 1], lamps[:, 0] - lamps[:, 1]], dim=1) / 2**0.5
    return torch.cat([pair, lamps[:, 2:]], dim=1)


def blind(lamps: torch.Tensor) -> torch.Tensor:
    """Codes that have nothing to do with the image."""
    return torch.rand(lamps.shape, generator=torch.Generator().manual_seed(int(1e6 * lamps.sum())))


ENCODERS = ("mig-encoder", "dci-encoder", "factor-vae-score", "beta-vae-score", "modularity-encoder")


@pytest.mark.parametrize("name", ENCODERS)
def test_an_encoder_of_the_factors_scores_one(measure, name):
    assert measure(name, lambda lamps: lamps) == pytest.approx(1, abs=0.15)  # mig: 20 bins of 1,000 images


@pytest.mark.parametrize("name", ["mig-encoder", "dci-encoder", "factor-vae-score", "sap-encoder"])
def test_a_rotation_of_two_codes_lowers_the_score(measure, name):
    assert measure(name, rotate) < measure(name, lambda lamps: lamps) - 0.1


def test_codes_that_tell_nothing_score_about_zero_or_chance(measure):
    assert measure("mig-encoder", blind) < 0.1
    assert measure("dci-encoder", blind) < 0.1
    assert measure("factor-vae-score", blind) < 0.6  # chance is 1/4; the majority vote of a few codes is above it


def test_total_correlation_is_zero_for_independent_codes_and_known_for_dependent_ones(measure):
    assert measure("total-correlation", lambda lamps: lamps) == pytest.approx(0, abs=0.02)
    mixed = measure("total-correlation", lambda lamps: torch.stack([lamps[:, 0], lamps[:, 0] + lamps[:, 1]], dim=1))
    assert mixed == pytest.approx(0.5 * np.log(2), abs=0.05)  # correlation of 1 / sqrt 2


def test_dependent_codes_have_no_total_correlation(measure):
    with pytest.raises(NotMeasured, match="expected linearly independent codes, got 5 codes of rank 4"):
        measure("total-correlation", lambda lamps: torch.cat([lamps, lamps[:, :1]], dim=1))


def test_without_a_renderer_test_images_that_share_a_value_are_used(measure):
    score = measure("factor-vae-score", lambda lamps: lamps, renderer=None)
    assert score == pytest.approx(1, abs=0.05)


def test_too_few_images_that_share_a_value_are_a_dash_with_both_counts(measure):
    with pytest.raises(NotMeasured, match="expected at least 128 test images that share a value of 'lamp 0'"):
        measure("factor-vae-score", lambda lamps: lamps, renderer=None, dataset=known_lamps(300, 300))


def test_data_without_ground_truth_has_no_votes_on_factors(evaluate):
    with pytest.raises(NotMeasured, match="lamps has no ground-truth factors"):
        METRIC["beta-vae-score"].compute(evaluate(Lamps(identity)))


def test_declared_codes_count_as_one_each(measure, evaluate, known):
    """A circular code in two columns is one angle."""

    class Declared(Encoder):
        code_layout = (Code("turn", "circular", (0, 1)), *(Code(f"z{i}", "continuous", (i,)) for i in range(2, 5)))

    def change(lamps: torch.Tensor) -> torch.Tensor:
        angle = 2 * torch.pi * lamps[:, :1]
        return torch.cat([angle.cos(), angle.sin(), lamps[:, 1:]], dim=1)

    context = evaluate(Declared(change), dataset=known, renderer=Painter())
    assert METRIC["mig-encoder"].compute(context).value > 0.85
    assert measure("mig-encoder", change) < 0.8


def test_codes_that_are_not_finite_are_refused(measure):
    with pytest.raises(BenchError, match="encode: expected finite codes"):
        measure("mig-encoder", lambda lamps: lamps / 0)


@pytest.mark.parametrize("count", [60, 100])
def test_many_codes_that_tell_nothing_score_chance(measure, count):
    """The 64 codes of largest variance are chosen once, not for each factor: which ones they are tells nothing."""
    widths = torch.tensor([1.0, 5.0, 1.0, 10.0]).repeat(count // 4)

    def noise(lamps: torch.Tensor) -> torch.Tensor:
        rng = torch.Generator().manual_seed(int(1e6 * lamps.sum()))
        return widths * torch.randn((len(lamps), count), generator=rng)

    assert measure("beta-vae-score", noise) < 0.5
    assert measure("factor-vae-score", noise) < 0.6


def test_an_encoder_that_knows_its_training_images_only_is_not_informative(evaluate, known):
    """Test images are predicted, and none of them is learnt from."""
    trained = {image.numpy().tobytes() for image in known.train.images}

    class Memory(Encoder):
        def encode(self, images: torch.Tensor) -> torch.Tensor:
            seen = [(image * 255).round().to(torch.uint8).numpy().tobytes() in trained for image in images]
            codes = super().encode(images)
            return torch.where(torch.tensor(seen)[:, None], codes, torch.full_like(codes, 0.5))

    measured = METRIC["dci-encoder"].compute(evaluate(Memory(lambda lamps: lamps), dataset=known, renderer=Painter()))
    assert measured.parts["informativeness"] < 0.05


def test_codes_of_another_number_than_those_drawn_are_a_dash(evaluate, known):
    class Short(Encoder):
        code_layout = tuple(Code(f"c{index}", "continuous", (index,)) for index in range(6))

    context = evaluate(Short(lambda lamps: lamps), dataset=known, renderer=Painter())
    with pytest.raises(NotMeasured, match="encode gives other codes than draw_codes"):
        METRIC["mig-encoder"].compute(context)


def test_attributes_that_never_vary_are_a_dash(evaluate):
    gray = torch.full((100, 1, 16, 16), 90, dtype=torch.uint8)
    data = Data(Spec("gray", 1, 16, ("only",)), gray, torch.zeros(100, dtype=torch.int64))
    dataset = Dataset(data.spec, data, data, data, "gray")
    with pytest.raises(NotMeasured, match="no attribute varies over real images"):
        METRIC["mig-encoder"].compute(evaluate(Encoder(lambda lamps: lamps), dataset=dataset))
