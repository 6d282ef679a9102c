"""The read-out of true factors from reconstructions: its scale, what is left out, and the extremes on drawn images."""

from dataclasses import replace
from typing import ClassVar

import pytest
import torch

from bench.api import Data, Factor, Spec, to_float
from bench.backbones.factor_heads import LinearHead
from bench.metrics.control.factors import FactorOracle
from bench.metrics.metric import NotMeasured
from bench.metrics.reconstructed_factors import reconstructed_factors

FACTORS = tuple(Factor(name, "linear", 0.0, 1.0) for name in ("bright", "fixed", "hidden"))


class Brightness:
    """A probe that reads the mean of an image, whatever the factor."""

    columns: ClassVar = {factor.name: (column,) for column, factor in enumerate(FACTORS)}

    def readings(self, images):
        return images.mean((1, 2, 3))[:, None].expand(-1, len(FACTORS))

    def scores(self, data, device):
        read = self.readings(to_float(data.images))
        return {f.name: LinearHead(f).score(read, values) for f, values in zip(FACTORS, data.factors.T, strict=True)}


class Fixed:
    """A probe with these scores."""

    columns: ClassVar = {"kind": (0, 1, 2, 3), "size": (4,)}

    def __init__(self, **scores: float) -> None:
        self._scores = scores

    def scores(self, data, device):
        return self._scores


@pytest.fixture
def bright() -> Data:
    level = torch.arange(60) * 4
    images = level.to(torch.uint8)[:, None, None, None].expand(60, 1, 8, 8).clone()
    known = torch.stack([level / 255, torch.full((60,), 0.5), torch.rand(60)], 1)
    return Data(Spec("bright", 1, 8, ("a", "b", "c"), FACTORS), images, torch.arange(60) % 3, known)


@pytest.fixture
def context_of(make_context, toys, dataset):
    def make(data: Data, probe, **known: float):
        whole = replace(dataset, spec=data.spec, train=data, validation=data, test=data)
        oracle = FactorOracle(probe, data.spec, known, "made-up")
        context = make_context(
            model=toys.Painter(), dataset=whole, n=60, reference=60, samples=data, find_oracle=lambda: oracle
        )
        context.__dict__["reconstructions"] = context.test.images
        return context

    return make


def test_factors_that_cannot_be_read_or_do_not_vary_are_left_out(context_of, bright) -> None:
    context = context_of(bright, Brightness(), bright=1.0, fixed=1.0, hidden=0.1)
    perfect = reconstructed_factors(context)
    assert dict(perfect.parts) == {"bright": pytest.approx(1, abs=1e-6)}
    assert (perfect.value, perfect.n) == (pytest.approx(1, abs=1e-6), 60)
    context.__dict__["reconstructions"] = torch.full_like(context.test.images, round(59 / 2 * 4))
    assert reconstructed_factors(context).value == pytest.approx(0, abs=1e-6)
    context.__dict__["reconstructions"] = 255 - context.test.images
    assert reconstructed_factors(context).value == 0  # worse than a guess


def test_a_guess_scores_zero_whatever_the_number_of_values(context_of, bright) -> None:
    factors = Factor("kind", "categorical", 0.0, 3.0, 4), Factor("size", "linear", 0.0, 1.0)
    values = torch.stack([torch.arange(60.0) % 4, torch.rand(60)], 1)
    data = replace(bright, spec=replace(bright.spec, factors=factors), factors=values)
    parts = {kind: reconstructed_factors(context_of(data, Fixed(kind=kind, size=0.9), kind=1.0, size=1.0)).parts["kind"]
             for kind in (0.25, 0.625, 1.0)}  # fmt: skip
    assert parts == {0.25: pytest.approx(0), 0.625: pytest.approx(0.5), 1.0: pytest.approx(1)}
    both = reconstructed_factors(context_of(data, Fixed(kind=0.625, size=0.9), kind=1.0, size=1.0))
    assert both.value == pytest.approx((0.5 + 0.9) / 2)


def test_without_known_factors_it_is_not_measured(make_context, toys) -> None:
    with pytest.raises(NotMeasured, match=r"no factor of .* is known and can be read"):
        reconstructed_factors(make_context(model=toys.Painter()))
