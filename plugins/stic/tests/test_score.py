"""Score-STIC: the loss against a density whose score is known, levels, and annealed drawing."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from bench import Data, Run, Spec, to_float
from bench.testing.fixtures import Judge, fraction_correct
from bench_stic import ScoreConfig, ScoreStic
from bench_stic.denoiser import UNet
from bench_stic.grmala import look
from bench_stic.networks import Answer
from bench_stic.score import score_loss

Fit = Callable[..., Any]
CONFIG = ScoreConfig(width=8, denoiser_width=8, levels=5, level_steps=2)


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
    model = ScoreStic(ScoreConfig(), Spec("toy", 1, 8, tuple("ab")))
    assert len(model.sigmas) == 14
    assert float(model.sigmas[0]) == pytest.approx(10)
    assert float(model.sigmas[-1]) == pytest.approx(0.02)
    torch.testing.assert_close(model.sigmas[1:] / model.sigmas[:-1], torch.full((13,), 0.002 ** (1 / 13)))


def test_the_energy_that_classes_share_leaves_their_probabilities_as_they_are(train: Data) -> None:
    model = ScoreStic(CONFIG, train.spec)
    torch.nn.init.normal_(model.shared.net.out.weight)
    images = to_float(train.images[:5])
    energies = model._at(4, images * 2 - 1).logits
    assert (energies - model.logits(images)).abs().min() > 1
    torch.testing.assert_close(energies.softmax(1), model.logits(images).softmax(1), atol=1e-4, rtol=0)


def test_guidance_multiplies_the_log_probability_of_the_class(train: Data) -> None:
    model, x = ScoreStic(CONFIG, train.spec), to_float(train.images[:5]) * 2 - 1
    once, thrice = (model._at(4, x, guidance).logits for guidance in (1.0, 3.0))
    torch.testing.assert_close(thrice - once, 2 * model.logits(to_float(train.images[:5])).log_softmax(1))


@pytest.mark.parametrize(("channels", "size"), [(1, 8), (3, 25), (1, 28), (3, 32), (1, 64)])
def test_the_denoiser_takes_every_small_size_and_is_nothing_at_first(channels: int, size: int) -> None:
    net, x = UNet(Spec("toy", channels, size, ("a",)), 4, 2), torch.rand(2, channels, size, size)
    assert torch.equal(net(x, torch.tensor([0, 1])), torch.zeros_like(x))
    torch.nn.init.normal_(net.out.weight)
    assert net(x, torch.tensor([0, 1])).shape == x.shape


def test_the_loss_reaches_the_weights_through_the_gradient_of_the_energy(train: Data) -> None:
    """Double backward: with the score term alone the convolutions of both nets still move."""
    model = ScoreStic(CONFIG, train.spec)
    torch.nn.init.normal_(model.shared.net.out.weight)
    run = Run(model, images=64)
    model._noisy_terms(to_float(train.images[:8]) * 2 - 1, train.labels[:8], run, denoise=False)["score"].backward()
    assert model.net.stages[0].weight.grad.abs().sum() > 0
    assert model.shared.net.stem.weight.grad.abs().sum() > 0


def test_it_learns_to_tell_to_denoise_and_to_draw(train: Data, test: Data, fit: Fit, judge: Judge) -> None:
    """At each level from 0.1 up the loss is below 0.9 of that of the score of N(0, I) under the same noise."""
    model = fit(ScoreStic, ScoreConfig(width=16, levels=10), train, 10_000)
    images, labels = to_float(test.images) * 2 - 1, test.labels
    assert fraction_correct(model.logits(to_float(test.images)).argmax(1), labels) > 0.8
    for level, sigma in enumerate(model.sigmas.tolist()):
        noise = torch.randn(images.shape, generator=torch.Generator().manual_seed(level))
        noisy, sigmas = images + sigma * noise, torch.full((len(images),), sigma)
        chosen = look(lambda x, level=level: model._at(level, x).logits.gather(1, labels[:, None])[:, 0], noisy)
        pull = score_loss(-noisy / (1 + sigma**2), sigmas, noise)
        assert score_loss(chosen.gradient, sigmas, noise) < (0.9 if sigma >= 0.1 else 1.0) * pull, sigma
    drawing = model.synthesize(torch.arange(10), n=20)
    assert fraction_correct(judge(drawing.images), torch.arange(10).repeat_interleave(20)) > 0.8
    assert drawing.acceptance.mean() > 0.5


def test_untrained_it_draws_from_a_gaussian_about_as_large_as_noisy_images(train: Data) -> None:
    """With no logit and a denoiser that only scales, the energy at a level is -|x|^2 sigma^2 / (2 (1 + sigma^2)^2)."""
    model = ScoreStic(CONFIG, train.spec)
    torch.nn.init.zeros_(model.net.head.weight)
    chains = model._chains(torch.zeros(20, 1, 8, 8), torch.eye(10).repeat(2, 1), 0, 100, torch.Generator(), True)
    assert float(chains.x.var()) == pytest.approx((1 + 10**2) ** 2 / 10**2, rel=0.15)


def known(model: ScoreStic, center: float, size: float) -> None:
    """Give the model the energies of images from N(center, size^2), the same for all classes."""

    def energies(x: Tensor, level: Tensor, guidance: float) -> Answer:
        variance = size**2 + model.sigmas[level].square()
        return Answer((-(x - center).square().flatten(1).sum(1) / 2 / variance)[:, None].expand(-1, model.classes), [])

    model.energies = energies  # type: ignore[method-assign]


def test_images_of_a_known_law_are_drawn_from_it() -> None:
    """Through all levels to N(0.3, 0.5^2); with a single image there is, that image, since the last step denoises."""
    model = ScoreStic(replace(CONFIG, levels=14), Spec("toy", 1, 8, tuple("ab")))
    known(model, 0.3, 0.5)
    canvas = model.synthesize(torch.tensor([0]), n=100).canvas
    assert float(canvas.mean()) == pytest.approx(0.3, abs=0.03)
    assert float(canvas.std()) == pytest.approx(0.5, abs=0.05)
    known(model, 0.3, 0.0)
    torch.testing.assert_close(model.synthesize(torch.tensor([0])).canvas, torch.full((1, 1, 8, 8), 0.3))


def test_half_of_the_real_images_and_all_mixed_ones_are_classified_at_the_last_level(train: Data) -> None:
    """There it classifies; the other levels share the other half."""
    model, seen = ScoreStic(CONFIG, train.spec), []
    model.net.register_forward_pre_hook(lambda net, given: seen.append(given[1]))
    model._terms(to_float(train.images[:500]) * 2 - 1, train.labels[:500], Run(model, images=64), denoise=False)
    random, last = seen
    assert random.bincount().tolist() == pytest.approx([100] * 5, abs=40)
    assert len(last) == 1000
    assert (last == 4).all()


def test_the_weights_are_averaged_in_the_end(train: Data, fit: Fit) -> None:
    last, averaged = (fit(ScoreStic, replace(CONFIG, ema=ema), train, 640) for ema in (0.0, 0.999))
    one, other = (it.net.head.weight for it in (last, averaged))
    assert not torch.equal(one, other)
    assert (one - other).norm() < 0.5 * one.norm()


def test_every_step_of_a_level_is_tested(train: Data) -> None:
    model = ScoreStic(CONFIG, train.spec)
    weights = torch.eye(10)[:3]
    chains = model._chains(torch.zeros(3, 1, 8, 8), weights, 0, 4, torch.Generator(), True)
    assert chains.tested.tolist() == [4, 4, 4]
    assert model.synthesize(torch.arange(3), mh=False).acceptance.isnan().all()


def test_the_gram_reference_of_a_level_is_its_own(train: Data) -> None:
    model = ScoreStic(replace(CONFIG, gamma=1.0), train.spec)
    rows = model._rows(torch.tensor([3, 4]), torch.tensor([0, 2]))
    assert rows.tolist() == [3, 24]
    spread = model._spread(torch.eye(10)[[4]], 2)
    assert spread.nonzero().tolist() == [[0, 24]]


@pytest.mark.parametrize("change", [
    {"levels": 4}, {"sigma_first": 1.0}, {"sigma_last": 0.05}, {"score_weight": 1.0}, {"fake_weight": 0.1},
    {"mixup_weight": 0.0}, {"width": 4}, {"denoiser_width": 4}, {"ema": 0.0}, {"denoise_share": 0.0},
], ids=lambda change: next(iter(change)))  # fmt: skip
def test_every_setting_of_training_changes_what_is_learnt(train: Data, fit: Fit, change: dict[str, float]) -> None:
    models = [fit(ScoreStic, config, train, 192) for config in (CONFIG, replace(CONFIG, **change))]
    images = to_float(train.images[:5])
    assert not torch.equal(*(model.logits(images) for model in models))


FAKES = replace(CONFIG, fake_weight=0.1, store_size=40)


@pytest.mark.parametrize("change", [{"fake_batch": 8}, {"restart": 0.9}, {"store_size": 60}, {"steps": 2}, {"eps": 0.5},
                                    {"mh": False, "eps": 2.0}, {"kappa": 100.0}],
                         ids=lambda change: next(iter(change)))  # fmt: skip
def test_every_setting_of_fakes_changes_what_is_learnt(train: Data, fit: Fit, change: dict[str, float]) -> None:
    models = [fit(ScoreStic, config, train, 192) for config in (FAKES, replace(FAKES, **change))]
    images = to_float(train.images[:5])
    assert not torch.equal(*(model.logits(images) for model in models))


@pytest.mark.parametrize("change", [{"level_steps": 6}, {"gamma": 50.0}, {"mean_decay": 0.1}, {"eps": 0.5}, {"guidance": 1.0}],
                         ids=lambda change: next(iter(change)))  # fmt: skip
def test_every_setting_of_drawing_changes_what_is_drawn(train: Data, fit: Fit, change: dict[str, float]) -> None:
    config = replace(CONFIG, gamma=1.0)
    models = [fit(ScoreStic, it, train, 192) for it in (config, replace(config, **change))]
    assert not torch.equal(*(model.synthesize(torch.arange(3)).canvas for model in models))
