"""Energies and losses against values known in closed form."""

import math

import pytest
import torch

from bench_stic.energy import Density, box, mixed_logits
from bench_stic.gram import Reference
from bench_stic.losses import Side, contrast, join, k_plus_1, logit_size, margin
from bench_stic.networks import Answer

FAKE = Side(torch.tensor([[1.0, 3.0], [0.0, 2.0]]), torch.tensor([[1.0, 0.0], [0.5, 0.5]]))  # energies 1, 1
REAL = Side(torch.tensor([[4.0, 0.0], [2.0, 6.0]]), torch.tensor([[1.0, 0.0], [0.25, 0.75]]))  # energies 4, 5


def net(x: torch.Tensor) -> Answer:
    """Two logits, the sum and twice the sum of the pixels, and the image itself as two stages."""
    total = x.flatten(1).sum(1)
    return Answer(torch.stack([total, 2 * total], 1), [x, x])


def test_soft_classes_mix_logits_and_not_probabilities() -> None:
    assert FAKE.energy().tolist() == [1, 1]
    assert REAL.energy().tolist() == [4, 5]
    further = torch.tensor([[1.0, 3.0, 99.0]])
    assert mixed_logits(further, torch.tensor([[0.5, 0.5]])).tolist() == [2]


def test_the_contrast_is_the_difference_of_mean_energies() -> None:
    assert float(contrast(FAKE, REAL)) == 1 - 4.5


def test_the_margin_loss_is_a_bounded_contrast() -> None:
    expected = (math.log1p(math.exp(-3 + 1)) + math.log1p(math.exp(-4 + 1))) / 2
    assert float(margin(FAKE, REAL, 1.0)) == pytest.approx(expected)
    assert float(margin(FAKE, Side(1e6 * REAL.logits, REAL.weights), 1.0)) == 0


def test_a_fake_belongs_to_the_class_behind_the_last() -> None:
    fake = Side(torch.tensor([[0.0, 0.0, 0.0]]), torch.tensor([[1.0, 0.0]]))
    assert float(k_plus_1(fake)) == pytest.approx(math.log(3))


def test_cross_entropy_takes_mixed_labels() -> None:
    logits = torch.tensor([[0.0, math.log(3.0)]])  # probabilities 1/4, 3/4
    mixed = Side(logits, torch.tensor([[0.5, 0.5]]))
    assert float(mixed.cross_entropy()) == pytest.approx(-(math.log(1 / 4) + math.log(3 / 4)) / 2)


def test_the_size_of_logits_counts_fakes_and_real_images() -> None:
    assert float(logit_size(FAKE, REAL)) == 1 + (16 + 25) / 2
    assert join(FAKE, REAL).energy().tolist() == [1, 1, 4, 5]


def test_the_soft_box_is_free_inside_and_square_outside() -> None:
    x = torch.tensor([[0.5, -1.0, 1.5, -3.0]]).view(1, 1, 2, 2)
    assert box(x).tolist() == [0.5**2 + 2**2]


def test_the_density_is_the_energy_over_the_temperature() -> None:
    """E3, term by term."""
    x, weights = torch.full((1, 1, 2, 2), 1.5), torch.tensor([[0.5, 0.5]])
    energy = 1.5 * 6.0
    assert float(Density(net, weights, 0.5)(x)) == pytest.approx(energy / 0.5)
    assert float(Density(net, weights, 0.5, kappa=10.0)(x)) == pytest.approx((energy - 10 * 4 * 0.25) / 0.5)
    reference = Reference([torch.zeros(1, 1, 1)] * 2, torch.tensor([[2.0, 4.0]]))
    distance = (1.5**2) ** 2 * (1 / 2 + 1 / 4) / 2
    assert float(Density(net, weights, 0.5, 3.0, reference)(x)) == pytest.approx((energy - 3 * distance) / 0.5)
    logits = net(x).logits.log_softmax(1)
    assert float(Density(net, weights, 1.0, logprob=True)(x)) == pytest.approx(float(logits.mean()), rel=1e-5)
