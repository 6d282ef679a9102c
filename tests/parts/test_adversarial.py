"""The training of GANs: R1, losses, the average of weights, augmentation, resuming."""

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from bench import BenchError, Data, Run
from bench.parts.adversarial import (
    QUANTUM,
    Adversaries,
    Condition,
    GanConfig,
    Given,
    augmented,
    build_discriminator,
    build_generator,
    fit_gan,
    signed,
    unsigned,
)
from bench.parts.gan_losses import r1_penalty
from bench.testing.fixtures import DIGITS, Interrupt, digits

SMALL = GanConfig(width=4, nuisance_dim=6, batch_size=32, r1_every=3)


@pytest.fixture
def train() -> Data:
    return digits()[:1297]


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


class Linear(nn.Module):
    """D(x) = <a, x>."""

    def __init__(self, a: Tensor) -> None:
        super().__init__()
        self.a = nn.Parameter(a)

    def forward(self, images: Tensor, labels: Tensor | None = None) -> Tensor:
        return (images * self.a).flatten(1).sum(1)


def r1_of(discriminator: nn.Module, images: Tensor) -> Tensor:
    images = images.requires_grad_()
    return r1_penalty(discriminator(images), images)


def test_r1_of_a_linear_discriminator_is_its_squared_norm() -> None:
    a = torch.randn(3, 8, 8)
    torch.testing.assert_close(r1_of(Linear(a), torch.rand(5, 3, 8, 8)), a.square().sum())


def test_r1_has_a_gradient_to_the_weights() -> None:
    """Of |a|^2: 2 a."""
    discriminator = Linear(torch.randn(1, 8, 8))
    r1_of(discriminator, torch.rand(5, 1, 8, 8)).backward()
    torch.testing.assert_close(discriminator.a.grad, 2 * discriminator.a.detach())


def pair(config: GanConfig = SMALL, **options: Any) -> Adversaries:
    torch.manual_seed(0)
    generator, discriminator = build_generator(config, DIGITS), build_discriminator(config, DIGITS, 0)
    run = Run(generator, images=6_400, **options)
    return Adversaries(generator, discriminator, config, run, Condition())


def some_images(n: int = 32) -> Tensor:
    return digits().images[:n].float() / 255


def nothing(n: int = 32) -> Given:
    return Given(torch.zeros(n, 0))


def test_the_penalty_is_computed_every_few_steps_and_weighs_as_much_more() -> None:
    trained, x = pair(), some_images()
    shown = [trained.step(x, None, nothing()) for _ in range(7)]
    assert ["r1" in it for it in shown] == [True, False, False, True, False, False, True]


@pytest.mark.parametrize(("r1", "every"), [(0.0, 1), (2.0, 1), (2.0, 4)])
def test_the_gradient_of_the_discriminator_is_that_of_the_loss_written_out(r1: float, every: int) -> None:
    """With plain gradient descent a step is -lr times the gradient."""
    config = GanConfig(width=4, nuisance_dim=6, r1=r1, r1_every=every)
    trained, reference, x = pair(config), pair(config), some_images()
    trained.of_discriminator = torch.optim.SGD(trained.discriminator.parameters(), 1.0)
    before = [it.detach().clone() for it in trained.discriminator.parameters()]
    trained._step_discriminator(x, None, nothing())
    fakes = reference._draw(nothing()).detach()
    discriminator = reference.discriminator
    real = signed(x).requires_grad_()
    of_real, of_fakes = discriminator(real), discriminator(fakes)
    loss = torch.log1p((-of_real).exp()).mean() + torch.log1p(of_fakes.exp()).mean()
    (gradient,) = torch.autograd.grad(of_real.sum(), real, create_graph=True)
    (loss + every * r1 * gradient.square().sum((1, 2, 3)).mean()).backward()
    for start, now, expected in zip(
        before, trained.discriminator.parameters(), discriminator.parameters(), strict=True
    ):
        assert expected.grad is not None
        torch.testing.assert_close(start - now, expected.grad, atol=1e-5, rtol=1e-3)


def test_the_generator_is_trained_on_the_non_saturating_loss_and_leaves_the_discriminator_alone() -> None:
    trained = pair()
    before = {name: value.clone() for name, value in trained.discriminator.state_dict().items()}
    shown = trained._step_generator(None, nothing())
    assert 0.2 < shown["loss_g"] < 2.0
    assert all(torch.equal(before[name], value) for name, value in trained.discriminator.state_dict().items())
    assert all(it.requires_grad for it in trained.discriminator.parameters())


def test_an_undecided_discriminator_has_the_losses_ln_2_and_2_ln_2() -> None:
    trained = pair(GanConfig(width=4, nuisance_dim=6, r1=0.0))
    with torch.no_grad():
        for value in trained.discriminator.parameters():
            value.zero_()
    assert trained._step_generator(None, nothing())["loss_g"].item() == pytest.approx(math.log(2))
    assert trained._step_discriminator(some_images(), None, nothing())["loss_d"].item() == pytest.approx(
        2 * math.log(2)
    )


def test_the_images_are_drawn_by_the_average_of_the_weights(train: Data) -> None:
    generator = build_generator(SMALL, DIGITS)
    seen: list[Tensor] = []
    hook = generator.register_forward_pre_hook(lambda module, _: seen.append(module.linear.weight.detach().clone()))  # type: ignore[union-attr]
    fit_gan(
        generator,
        build_discriminator(SMALL, DIGITS, 0),
        SMALL,
        train,
        Run(generator, images=640),
        Condition(),
        images=640,
    )
    hook.remove()
    weights = torch.stack(seen)
    assert not any(torch.equal(generator.linear.weight, it) for it in weights)  # type: ignore[arg-type]
    assert not generator.training


def test_images_are_mapped_to_minus_one_and_one_and_back() -> None:
    x = torch.tensor([0.0, 0.25, 1.0]).reshape(3, 1, 1, 1)
    torch.testing.assert_close(signed(x).flatten(), torch.tensor([-1.0, -0.5, 1.0]))
    torch.testing.assert_close(unsigned(signed(x)), x)


def test_noise_stays_below_half_a_level_of_8_bits_and_has_mean_0() -> None:
    x = torch.full((64, 1, 8, 8), 0.5)
    noise = augmented(x, GanConfig(dequantize=True), rng()) - x
    assert 0 < noise.abs().max() <= QUANTUM / 4 <= 0.5 / 255
    assert noise.mean().abs() < 1e-4


def test_half_of_the_images_are_mirrored_and_the_others_are_left() -> None:
    x = some_images(200)
    out = augmented(x, GanConfig(flip=True, dequantize=False), rng())
    same = torch.tensor([torch.equal(a, b) for a, b in zip(out, x, strict=True)])
    mirrored = torch.tensor([torch.equal(a, b.flip(2)) for a, b in zip(out, x, strict=True)])
    assert bool((same | mirrored).all())
    assert 60 < int(mirrored.sum()) < 140


@pytest.mark.parametrize("stop", [4, 7])
def test_an_interrupted_training_ends_in_the_same_weights(train: Data, tmp_path: Path, stop: int) -> None:
    """Also if the penalty is due in another step than the first after resuming."""

    def fit(folder: Path, **options: Any) -> dict[str, Tensor]:
        torch.manual_seed(0)
        generator, discriminator = build_generator(SMALL, DIGITS), build_discriminator(SMALL, DIGITS, 0)
        run = Run(generator, images=1_280, folder=folder, checkpoint_every=0.0, **options)
        fit_gan(generator, discriminator, SMALL, train, run, Condition(), images=1_280)
        return generator.state_dict()

    whole = fit(tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        fit(tmp_path / "cut", progress=Interrupt(stop * 32))
    resumed = fit(tmp_path / "cut")
    assert all(torch.equal(whole[name], value) for name, value in resumed.items())


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"width": 0}, "width must be at least 1, got 0"),
        ({"nuisance_dim": -1}, "nuisance_dim must be at least 0, got -1"),
        ({"r1": -1.0}, "r1 must be at least 0"),
        ({"ema": 1.5}, "ema must lie in 0 ... 1"),
        ({"discriminator": "vgg"}, "discriminator: expected residual, conv or timm:NAME, got 'vgg'"),
    ],
)
def test_an_invalid_setting_is_one_sentence(setting: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        GanConfig(**setting)


def test_a_data_set_of_one_image_is_refused(train: Data) -> None:
    generator = build_generator(SMALL, DIGITS)
    with pytest.raises(BenchError, match="at least 2 training images, got 1"):
        fit_gan(
            generator, build_discriminator(SMALL, DIGITS, 0), SMALL, train[:1], Run(generator, images=64), Condition(),
            images=64,
        )  # fmt: skip
