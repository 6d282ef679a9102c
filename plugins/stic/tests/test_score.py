"""Score-STIC: the loss against a density whose score is known, levels, and annealed drawing."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch

from bench import Data, Spec, to_float
from bench_stic import ScoreConfig, ScoreStic
from bench_stic.score import score_loss

Fit = Callable[..., Any]
CONFIG = ScoreConfig(width=8, level_steps=4)


def test_the_loss_is_least_for_the_score_of_noisy_images() -> None:
    """Of N(0, s^2) under noise sigma the score is -x / (s^2 + sigma^2); any other slope costs more."""
    rng, s = torch.Generator().manual_seed(0), 0.7
    sigma = torch.full((200_000,), 0.5)
    clean = s * torch.randn(200_000, 1, 1, 1, generator=rng)
    noise = torch.randn(200_000, 1, 1, 1, generator=rng)
    noisy = clean + 0.5 * noise
    slopes = [-1 / (s**2 + 0.25) * factor for factor in (0.8, 1.0, 1.2)]
    losses = [float(score_loss(slope * noisy, sigma, noise)) for slope in slopes]
    assert losses[1] < min(losses[0], losses[2])
    assert losses[1] == pytest.approx((1 - 0.25 / (s**2 + 0.25)) / 2, rel=0.02)


def test_levels_are_geometric_from_large_to_small() -> None:
    model = ScoreStic(CONFIG, Spec("toy", 1, 8, tuple("ab")))
    assert len(model.sigmas) == 10
    assert float(model.sigmas[0]) == pytest.approx(2)
    assert float(model.sigmas[-1]) == pytest.approx(0.02)
    torch.testing.assert_close(model.sigmas[1:] / model.sigmas[:-1], torch.full((9,), 0.01 ** (1 / 9)))


def test_the_loss_reaches_the_weights_through_the_gradient_of_the_logit(train: Data) -> None:
    """Double backward: with the score term alone the convolutions still move."""
    model = ScoreStic(CONFIG, train.spec)
    x = (to_float(train.images[:8]) * 2 - 1).requires_grad_()
    level = torch.full((8,), 9)
    energy = model.net(x, level).logits.gather(1, train.labels[:8, None]).sum()
    (gradient,) = torch.autograd.grad(energy, x, create_graph=True)
    score_loss(gradient, model.sigmas[level], torch.randn_like(x)).backward()
    assert model.net.stages[0].weight.grad.abs().sum() > 0


def test_it_learns_to_tell_and_the_score_of_noisy_images(train: Data, test: Data, fit: Fit) -> None:
    """Of the noise that score matching has to tell, less is left than of a net that knows nothing."""
    losses: list[float] = []
    model = fit(ScoreStic, replace(CONFIG, width=16), train, 16_000, progress=lambda *it: losses.append(it[3]["score"]))
    assert (model.logits(to_float(test.images)).argmax(1) == test.labels).float().mean() > 0.8
    assert sum(losses[-3:]) / 3 < 0.95 * train.images[0].numel() / 2
    drawing = model.synthesize(torch.arange(10))
    assert drawing.acceptance.mean() > 0.5
    assert drawing.images.isfinite().all()


def test_untrained_it_draws_from_a_gaussian_about_as_large_as_images(train: Data) -> None:
    """With no logit at all, what is left of the energy at a level is -|x|^2 / (2 (1 + sigma_i^2))."""
    model = ScoreStic(CONFIG, train.spec)
    torch.nn.init.zeros_(model.net.head.weight)
    rng, weights = torch.Generator().manual_seed(0), torch.eye(10)
    chains = model._chains(torch.zeros(10, 1, 8, 8), weights, 0, 400, 0, rng, True)
    assert float(chains.x.var()) == pytest.approx(1 + 2**2, rel=0.15)


def test_the_first_half_of_a_level_is_not_tested(train: Data) -> None:
    model = ScoreStic(CONFIG, train.spec)
    rng = torch.Generator().manual_seed(0)
    weights = torch.eye(10)[:3]
    chains = model._chains(torch.zeros(3, 1, 8, 8), weights, 0, 4, 2, rng, True)
    assert chains.tested.tolist() == [2, 2, 2]
    assert model.synthesize(torch.arange(3), mh=False).acceptance.isnan().all()


def test_the_gram_reference_of_a_level_is_its_own(train: Data) -> None:
    model = ScoreStic(replace(CONFIG, gamma=1.0), train.spec)
    rows = model._rows(torch.tensor([3, 4]), torch.tensor([0, 2]))
    assert rows.tolist() == [3, 24]
    spread = model._spread(torch.eye(10)[[4]], 2)
    assert spread.nonzero().tolist() == [[0, 24]]


@pytest.mark.parametrize("change", [
    {"levels": 5}, {"sigma_first": 1.0}, {"sigma_last": 0.05}, {"score_weight": 1.0}, {"fake_weight": 0.1},
    {"mixup_weight": 0.0}, {"width": 4},
], ids=lambda change: next(iter(change)))  # fmt: skip
def test_every_setting_of_training_changes_what_is_learnt(train: Data, fit: Fit, change: dict[str, float]) -> None:
    models = [fit(ScoreStic, config, train, 192) for config in (CONFIG, replace(CONFIG, **change))]
    images = to_float(train.images[:5])
    assert not torch.equal(*(model.logits(images) for model in models))


FAKES = replace(CONFIG, fake_weight=0.1, store_size=40)


@pytest.mark.parametrize("change", [{"fake_batch": 8}, {"restart": 0.9}, {"store_size": 60}, {"steps": 2}, {"eps_last": 1e-4},
                                    {"mh": False, "eps_last": 1e-3}, {"kappa": 100.0}],
                         ids=lambda change: next(iter(change)))  # fmt: skip
def test_every_setting_of_fakes_changes_what_is_learnt(train: Data, fit: Fit, change: dict[str, float]) -> None:
    models = [fit(ScoreStic, config, train, 192) for config in (FAKES, replace(FAKES, **change))]
    images = to_float(train.images[:5])
    assert not torch.equal(*(model.logits(images) for model in models))


@pytest.mark.parametrize("change", [{"level_steps": 6}, {"gamma": 50.0}, {"mean_decay": 0.1}, {"eps_last": 1e-4}],
                         ids=lambda change: next(iter(change)))  # fmt: skip
def test_every_setting_of_drawing_changes_what_is_drawn(train: Data, fit: Fit, change: dict[str, float]) -> None:
    config = replace(CONFIG, gamma=1.0)
    models = [fit(ScoreStic, it, train, 192) for it in (config, replace(config, **change))]
    assert not torch.equal(*(model.synthesize(torch.arange(3)).canvas for model in models))
