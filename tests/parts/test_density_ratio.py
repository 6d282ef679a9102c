"""Permuted codes and the discriminator of FactorVAE."""

import math

import pytest
import torch
from torch import Tensor, nn

from bench.parts.density_ratio import DensityRatio, permuted


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def ratio(d: int = 2) -> DensityRatio:
    return DensityRatio(d, units=32, layers=2, rng=rng())


def gaussians(n: int, correlation: float, seed: int) -> Tensor:
    noise = torch.randn(n, 2, generator=rng(seed))
    mixed = correlation * noise[:, 0] + math.sqrt(1 - correlation**2) * noise[:, 1]
    return torch.stack([noise[:, 0], mixed], 1)


def trained(correlation: float) -> DensityRatio:
    net = ratio()
    optimizer = torch.optim.Adam(net.parameters(), 5e-3)
    for step in range(150):
        loss = net.loss(gaussians(256, correlation, step), rng(10_000 + step))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return net


def test_permuting_keeps_the_values_of_each_code_exactly() -> None:
    codes = torch.randn(50, 4, generator=rng())
    shuffled = permuted(codes, rng(1))
    assert torch.equal(shuffled.sort(0).values, codes.sort(0).values)
    assert not torch.equal(shuffled, codes)


def test_permuting_moves_each_code_in_an_order_of_its_own() -> None:
    codes = torch.arange(50.0)[:, None].expand(50, 3)
    orders = permuted(codes, rng()).T
    assert not torch.equal(orders[0], orders[1])
    assert not torch.equal(orders[1], orders[2])


def test_the_first_answer_is_that_both_are_equally_likely() -> None:
    net, codes = ratio(3), torch.randn(16, 3, generator=rng())
    assert torch.equal(net.log_ratio(codes), torch.zeros(16))
    assert net.loss(codes, rng()).item() == pytest.approx(math.log(2))


def test_weights_come_from_the_generator_alone() -> None:
    first = ratio().state_dict()
    torch.manual_seed(99)
    assert all(torch.equal(value, first[name]) for name, value in ratio().state_dict().items())


def test_the_network_of_the_paper_has_six_hidden_layers() -> None:
    layers = [it for it in DensityRatio(10, units=1_000, layers=6, rng=rng()).layers if isinstance(it, nn.Linear)]
    assert [it.out_features for it in layers] == [1_000] * 6 + [2]


def test_independent_codes_cannot_be_told_from_permuted_ones() -> None:
    """Discriminator loss ln 2, total correlation 0: up to 0.0002 and 0.017 away for five seeds."""
    net, codes = trained(0.0), gaussians(4_000, 0.0, 99_999)
    assert net.loss(codes, rng()).item() == pytest.approx(math.log(2), abs=0.005)
    assert net.log_ratio(codes).mean().item() == pytest.approx(0, abs=0.05)


def test_the_total_correlation_of_two_gaussians_is_near_the_closed_form() -> None:
    """-log(1 - r^2) / 2 = 0.51 nats at r = 0.8; 0.39 to 0.59 for five seeds."""
    net, codes = trained(0.8), gaussians(4_000, 0.8, 99_999)
    assert net.log_ratio(codes).mean().item() == pytest.approx(-0.5 * math.log(1 - 0.64), abs=0.3)
