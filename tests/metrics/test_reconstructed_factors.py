"""The read-out of true factors from reconstructions: closed forms, and the extremes on drawn images."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from bench.api import Data, Factor, Spec
from bench.metrics.control.oracle import Attribute, Oracle
from bench.metrics.metric import NotMeasured
from bench.metrics.reconstructed_factors import reconstructed_factors, recovery

LINEAR = Factor("size", "linear", 1.0, 3.0)
CIRCULAR = Factor("angle", "circular", 0.0, 1.0)
KIND = Factor("kind", "categorical", 0.0, 3.0, 4)


def turned(turns: np.ndarray) -> np.ndarray:
    return np.stack([np.cos(2 * np.pi * turns), np.sin(2 * np.pi * turns)], 1)


def test_true_values_score_one_and_the_mean_or_one_value_scores_zero() -> None:
    rng = np.random.default_rng(0)
    size, turns, kind = rng.uniform(1, 3, 500), rng.uniform(0, 1, 500), rng.integers(0, 4, 500).astype(float)
    assert recovery(LINEAR, size[:, None], size) == pytest.approx(1)
    assert recovery(CIRCULAR, turned(turns), turns) == pytest.approx(1)
    assert recovery(KIND, np.eye(4)[kind.astype(int)], kind) == pytest.approx(1)
    assert recovery(LINEAR, np.full((500, 1), size.mean()), size) == pytest.approx(0)
    assert recovery(CIRCULAR, turned(np.zeros(500)), turns) == pytest.approx(0, abs=0.1)
    assert recovery(KIND, np.eye(4)[np.zeros(500, int)], kind) == pytest.approx(0)


def test_known_errors_have_their_scores() -> None:
    size = np.linspace(1, 3, 1001)
    assert recovery(LINEAR, size[:, None] + 0.1, size) == pytest.approx(1 - 0.01 / size.var())
    turns = np.linspace(0, 1, 1001)
    assert recovery(CIRCULAR, turned(turns + 1 / 6), turns) == pytest.approx(math.cos(math.pi / 3))
    kind = np.arange(400.0) % 4
    half = np.where(np.arange(400) < 200, kind, (kind + 1) % 4).astype(int)
    assert recovery(KIND, np.eye(4)[half], kind) == pytest.approx((0.5 - 0.25) / 0.75)


def test_worse_than_a_guess_is_zero() -> None:
    size = np.linspace(1, 3, 101)
    assert recovery(LINEAR, 4 - size[:, None] * 2, size) == 0
    assert recovery(CIRCULAR, turned(size / 2 + 0.5), size / 2) == 0


class Brightness(Oracle):
    """Reads the mean of an image, which is its only factor that can be read."""

    name, digest, left_out = "factors", "brightness", {"hidden": "R2 0.10, below 0.95"}
    attributes = (Attribute("bright", "linear", (0,)), Attribute("fixed", "linear", (0,)))

    def read(self, pixels, device="cpu"):
        return pixels.float().mean((1, 2, 3))[:, None].numpy() / 255


@pytest.fixture
def bright() -> Data:
    names = ("bright", "fixed", "hidden")
    factors = tuple(Factor(name, "linear", 0.0, 1.0) for name in names)
    level = torch.arange(60) * 4
    images = level.to(torch.uint8)[:, None, None, None].expand(60, 1, 8, 8).clone()
    known = torch.stack([level / 255, torch.full((60,), 0.5), torch.rand(60)], 1)
    return Data(Spec("bright", 1, 8, ("a", "b", "c"), factors), images, torch.arange(60) % 3, known)


def context_of(make_context, toys, dataset, data: Data):
    whole = replace(dataset, spec=data.spec, train=data, validation=data, test=data)
    return make_context(
        model=toys.Painter(), dataset=whole, n=60, reference=60, samples=data, find_oracle=Brightness
    )  # fmt: skip


def test_factors_that_cannot_be_read_or_do_not_vary_are_left_out(make_context, toys, dataset, bright) -> None:
    context = context_of(make_context, toys, dataset, bright)
    context.__dict__["reconstructions"] = context.test.images
    perfect = reconstructed_factors(context)
    assert dict(perfect.parts) == {"bright": pytest.approx(1, abs=1e-6)}
    assert (perfect.value, perfect.n) == (pytest.approx(1, abs=1e-6), 60)
    context.__dict__["reconstructions"] = torch.full_like(context.test.images, round(59 / 2 * 4))
    assert reconstructed_factors(context).value == pytest.approx(0, abs=1e-6)


def test_without_known_factors_it_is_not_measured(make_context, toys) -> None:
    with pytest.raises(NotMeasured, match=r"no factor of .* is known and can be read"):
        reconstructed_factors(make_context(model=toys.Painter()))
