"""Losses of both players against their formulas, and the gradient penalty of a linear discriminator."""

import math

import pytest
import torch
from jaxtyping import Float
from torch import Tensor, nn

from bench.parts.adversarial import (
    AdversarialConfig,
    Condition,
    GanConfig,
    build_discriminator,
    build_generator,
    fit_gan,
)
from bench.parts.gan_losses import DRIFT, gradient_penalty, loss_of_discriminator, loss_of_generator
from bench.parts.gan_networks import Discriminator
from bench.testing.fixtures import DIGITS, digits
from bench.training_run import Run

REAL, FAKES = torch.tensor([0.5, -1.0, 3.0]), torch.tensor([-2.0, 0.25, 1.0])


class Linear(Discriminator):
    """D(x) = <a, x>."""

    def __init__(self, a: Tensor) -> None:
        super().__init__()
        self.a = nn.Parameter(a)

    def features(self, images: Tensor) -> Tensor:
        return images.flatten(1)

    def head(self, features: Tensor, labels: Tensor | None = None) -> Float[Tensor, "n"]:  # type: ignore[override]
        return features @ self.a


def rng() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def test_the_logistic_losses_are_the_logs_of_probabilities() -> None:
    p_real, p_fakes = REAL.sigmoid(), FAKES.sigmoid()
    loss = -(p_real.log().mean() + (1 - p_fakes).log().mean())
    torch.testing.assert_close(loss_of_discriminator(REAL, FAKES, "logistic"), loss)
    torch.testing.assert_close(loss_of_generator(FAKES, "logistic"), -p_fakes.log().mean())


def test_the_wasserstein_losses_are_differences_of_means_with_a_small_drift() -> None:
    loss = FAKES.mean() - REAL.mean() + DRIFT * (0.25 + 1 + 9) / 3
    torch.testing.assert_close(loss_of_discriminator(REAL, FAKES, "wasserstein"), loss)
    torch.testing.assert_close(loss_of_generator(FAKES, "wasserstein"), -FAKES.mean())


@pytest.mark.parametrize("length", [0.0, 1.0, 3.0])
def test_the_gradient_penalty_of_a_linear_discriminator_is_the_squared_distance_of_its_length_from_one(
    length: float,
) -> None:
    a = torch.nn.functional.normalize(torch.randn(64), dim=0) * length
    found = gradient_penalty(Linear(a), torch.rand(5, 1, 8, 8), torch.rand(5, 1, 8, 8), rng())
    assert found.item() == pytest.approx((length - 1) ** 2, abs=1e-5)


def test_the_gradient_penalty_is_taken_between_real_images_and_fakes() -> None:
    """D(x) = |x|^2 / 2, whose gradient at x is x: real images are 0 and fakes 1, so that x is the share of the fake."""

    class Square(Linear):
        def head(self, features: Tensor, labels: Tensor | None = None) -> Float[Tensor, "n"]:  # type: ignore[override]
            return features.square().sum(1) / 2

    n = 4_000
    found = gradient_penalty(Square(torch.zeros(1)), torch.zeros(n, 1, 1, 1), torch.ones(n, 1, 1, 1), rng())
    assert found.item() == pytest.approx(1 / 3, abs=0.02)  # E (u - 1)^2


def test_a_wasserstein_training_reports_its_penalty_and_no_r1() -> None:
    config = GanConfig(width=4, nuisance_dim=6, loss="wasserstein")
    generator, shown = build_generator(config, DIGITS), dict[str, float]()
    run = Run(generator, images=640, progress=lambda *report: shown.update(report[3]))
    fit_gan(generator, build_discriminator(config, DIGITS, 0), config, digits(), run, Condition(), images=640)
    assert "penalty" in shown
    assert "r1" not in shown
    assert all(math.isfinite(value) for value in shown.values())


def test_an_unknown_batch_size_is_one_sentence() -> None:
    with pytest.raises(ValueError, match="batch_size must be at least 1, got 0"):
        AdversarialConfig(batch_size=0)
