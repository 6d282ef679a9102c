"""The objectives, and the training of a VAE with each of them on real digits."""

import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from bench import BenchError, Data, Run
from bench.parts.code_vae import CodeTerms, CodeVae
from bench.parts.disentangling import (
    BetaObjective,
    FactorObjective,
    Objective,
    OptimizerName,
    TcObjective,
    kl_of_codes,
    risen,
    train_code_vae,
)
from bench.parts.gaussian import kl_to_standard
from bench.testing.fixtures import Interrupt, digits

SHAPE = (1, 8, 8)
Make = Callable[[Run], Objective]
OBJECTIVES: dict[str, Make] = {
    "beta": lambda run: BetaObjective(2.0, capacity=5.0, kl_warmup=0.9),
    "factor": lambda run: FactorObjective(4, gamma=3.0, rng=run.rng, kl_warmup=0.9, units=16, layers=2, lr=1e-3),
    "tc": lambda run: TcObjective(3.0, 1_297, kl_warmup=0.9),
}


@pytest.fixture(scope="module")
def train() -> Data:
    return digits()[:1297]


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def vae() -> CodeVae:
    torch.manual_seed(0)
    return CodeVae(SHAPE, latent_dim=4, width=4, hidden=16)


def terms() -> CodeTerms:
    net = vae()
    with torch.no_grad():
        net.encoder[-1].weight *= 20  # codes that are used
    return net(torch.rand(16, *SHAPE, generator=rng(5)), rng())


def trained(
    make: Make, data: Data, optimizer: OptimizerName = "adam", images: int = 26 * 32, lr: float = 2e-3, **options
) -> CodeVae:
    net = vae()
    run = Run(net, images=images, **options)
    train_code_vae(net, data, run, images, make(run), batch_size=32, lr=lr, optimizer=optimizer)
    return net


def test_a_weight_rises_linearly_and_stays() -> None:
    assert [risen(step, 100, 0.5) for step in (0, 25, 50, 75)] == [0, 0.5, 1, 1]
    assert risen(0, 100, 0.0) == 1


def test_at_beta_1_without_capacity_all_of_beta_and_tc_are_the_plain_bound() -> None:
    it = terms()
    bound = (it.pixels + kl_to_standard(it.mu, it.log_s)).mean()
    for objective in (BetaObjective(1.0), TcObjective(1.0, 100)):
        torch.testing.assert_close(objective.loss(it, 0, 10)[0], bound)


def test_a_discriminator_that_knows_nothing_leaves_the_plain_bound() -> None:
    it = terms()
    loss, shown = FactorObjective(4, gamma=50.0, rng=rng(), units=8, layers=2).loss(it, 0, 10)
    torch.testing.assert_close(loss, (it.pixels + it.kl.sum(1)).mean())
    assert shown["total_correlation"].item() == 0


@pytest.mark.parametrize("name", OBJECTIVES)
def test_at_the_first_step_of_a_warm_up_only_the_reconstruction_counts(name: str) -> None:
    it = terms()
    objective = OBJECTIVES[name](Run(vae(), images=1))
    assert torch.equal(objective.loss(it, 0, 100)[0], it.pixels.mean())
    assert not torch.equal(objective.loss(it, 10, 100)[0], it.pixels.mean())


def test_the_capacity_rises_linearly_and_is_where_the_penalty_vanishes() -> None:
    objective = BetaObjective(1_000.0, capacity=25.0)
    assert [objective.target(step, 100) for step in (0, 20, 100)] == [0, 5, 25]
    it = terms()
    kl = it.kl.sum(1).mean()
    at = BetaObjective(1_000.0, capacity=2 * kl.item())
    torch.testing.assert_close(at.loss(it, 50, 100)[0], it.pixels.mean())  # C = KL
    torch.testing.assert_close(at.loss(it, 75, 100)[0], it.pixels.mean() + 500 * kl, rtol=1e-4, atol=1e-2)
    torch.testing.assert_close(at.loss(it, 25, 100)[0], it.pixels.mean() + 500 * kl, rtol=1e-4, atol=1e-2)


def test_the_total_correlation_counts_beta_minus_1_times() -> None:
    it = terms()
    loss, shown = TcObjective(7.0, 100).loss(it, 0, 10)
    torch.testing.assert_close(loss, (it.pixels + it.kl.sum(1)).mean() + 6 * shown["total_correlation"])


def test_the_step_of_the_vae_leaves_the_discriminator_and_its_step_the_vae() -> None:
    net = vae()
    objective = FactorObjective(4, gamma=3.0, rng=rng(), units=8, layers=2)
    it = net(torch.rand(16, *SHAPE, generator=rng(5)), rng())
    objective.loss(it, 0, 10)[0].backward()
    assert all(weight.grad is None for weight in objective.ratio.parameters())
    assert all(weight.grad is not None for weight in net.parameters())
    before = [weight.grad.clone() for weight in net.parameters() if weight.grad is not None]
    found = objective.after_step(it, rng())
    assert found["discriminator"].item() == pytest.approx(math.log(2))
    assert all(torch.equal(*pair) for pair in zip(before, [weight.grad for weight in net.parameters()], strict=True))


@pytest.mark.parametrize("optimizer", ["adam", "muon"])
@pytest.mark.parametrize("name", OBJECTIVES)
def test_an_interrupted_training_ends_in_the_same_state(
    train: Data, tmp_path: Path, name: str, optimizer: OptimizerName
) -> None:
    """Stopped within the warm-up of the weights, with a checkpoint after every batch."""
    make, options = OBJECTIVES[name], {"folder": tmp_path, "checkpoint_every": 0.0}
    with pytest.raises(KeyboardInterrupt):
        trained(make, train, optimizer, progress=Interrupt(20 * 32), **options)
    resumed, whole = trained(make, train, optimizer, **options), trained(make, train, optimizer)
    assert all(torch.equal(value, whole.state_dict()[key]) for key, value in resumed.state_dict().items())


def test_a_finished_phase_brings_back_the_discriminator(train: Data, tmp_path: Path) -> None:
    made = []
    for _ in range(2):
        net = vae()
        run = Run(net, images=640, folder=tmp_path)
        objective = OBJECTIVES["factor"](run)
        train_code_vae(net, train, run, 640, objective, batch_size=32, lr=1e-3)
        made.append([objective.keep[0].state_dict(), net.state_dict()])
    for first, second in zip(*made, strict=True):
        assert all(torch.equal(value, second[key]) for key, value in first.items())


@pytest.mark.parametrize("name", OBJECTIVES)
def test_training_logs_its_terms_and_uses_the_images_it_is_given(train: Data, name: str) -> None:
    seen: dict[str, float] = {}
    net = vae()
    run = Run(net, images=1_000, progress=lambda phase, images, of, scalars: seen.update(scalars))
    train_code_vae(net, train, run, 640, OBJECTIVES[name](run), batch_size=32, lr=1e-3)
    assert run.left == 360
    assert {"loss", "pixels", "kl", "active"} <= seen.keys()


def test_a_capacity_draws_the_kl_to_it(train: Data) -> None:
    """From 0 to a target of 6 nats; 5.3 to 5.7 for five seeds."""
    x = train.images.float() / 255
    net = trained(lambda run: BetaObjective(100.0, capacity=6.0), train, lr=0.01, images=200 * 32)
    assert kl_of_codes(vae(), x).sum() < 0.5
    assert 4.5 < kl_of_codes(net, x).sum() < 6.5


def test_larger_images_train_a_smaller_vae(train: Data) -> None:
    torch.manual_seed(0)
    net = CodeVae((1, 4, 4), latent_dim=2, width=4, hidden=8)
    run = Run(net, images=64)
    train_code_vae(net, train, run, 64, BetaObjective(1.0), batch_size=32, lr=1e-3)
    assert net(train.images[:5].float() / 255, rng()).logits.shape == (5, 1, 4, 4)


def test_the_kl_of_codes_is_the_mean_over_all_images_whatever_the_chunks() -> None:
    net, x = vae(), torch.rand(1_203, *SHAPE, generator=rng())
    mu, log_s = net.encode(x)
    found = kl_of_codes(net, x)
    assert not found.requires_grad
    torch.testing.assert_close(found.sum(), kl_to_standard(mu, log_s).mean())


def test_a_training_set_of_one_image_is_refused(train: Data) -> None:
    with pytest.raises(BenchError, match="expected at least 2 training images, got 1"):
        trained(OBJECTIVES["tc"], train[:1])
