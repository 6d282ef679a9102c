"""What the trained model draws: S8 and S9 on digits, soft classes, starts, seeds, and the rule for the Gram weight."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from bench import Data, to_float
from bench.testing.fixtures import Judge, fraction_correct
from bench_stic import Drawing, Stic, SticConfig
from bench_stic.energy import Density
from bench_stic.grmala import run_chains
from bench_stic.store import blank

LABELS = torch.arange(100) % 10


def test_the_gram_term_does_what_it_says(model: Stic) -> None:
    """S8: R falls over gamma by 10 % at 0.3 and 25 % at 1; acceptance stays above .8, own classification above .95."""
    drawings = {gamma: model.synthesize(LABELS, gamma=gamma, seed=1) for gamma in (0.0, 0.1, 0.3, 1.0)}
    distances = [model.class_distance((it.canvas + 1) / 2, LABELS) for it in drawings.values()]
    assert distances == sorted(distances, reverse=True)
    assert distances[2] <= 0.9 * distances[0]
    assert distances[3] <= 0.75 * distances[0]
    for drawing in drawings.values():
        assert drawing.acceptance.mean() > 0.8
        assert fraction_correct(model.logits(drawing.images).argmax(1), LABELS) > 0.95


def test_the_trained_classifier_is_sampled_at_the_temperature_of_step_and_noise(model: Stic) -> None:
    """S9 on the trained net: acceptance above .5, and below .05 where the ratio alone is taken at T = 1."""
    weights = torch.eye(10)[LABELS]
    start = torch.rand(100, 1, 8, 8, generator=torch.Generator().manual_seed(0)) * 2 - 1
    right: Density = model._density(weights, torch.zeros(100, dtype=torch.int64), 0.0)

    def miswired(x: torch.Tensor) -> torch.Tensor:
        log_pi = right(x)
        return right.temperature * log_pi.detach() + log_pi - log_pi.detach()

    rates = [
        float(run_chains(density, start, 150, model.config.sigma, torch.Generator().manual_seed(0)).acceptance.mean())
        for density in (right, miswired)
    ]
    assert rates[0] > 0.5
    assert rates[1] < 0.05


@pytest.fixture(scope="module")
def drawing(model: Stic) -> Drawing:
    """30 samples of each digit."""
    return model.synthesize(torch.arange(10), n=30)


def test_the_judge_agrees_with_the_class_of_drawings(drawing: Drawing, judge: Judge) -> None:
    """S3 in small: blank canvases, pixels within +-3."""
    assert fraction_correct(judge(drawing.images), torch.arange(10).repeat_interleave(30)) >= 0.95
    assert drawing.canvas.abs().max() <= 3
    assert drawing.images.shape == (300, 1, 8, 8)


def nearest_other(images: Tensor) -> float:
    """The mean distance of an image to the nearest other one."""
    return float(torch.cdist(images.flatten(1), images.flatten(1)).fill_diagonal_(torch.inf).amin(1).mean())


def test_samples_are_no_nearer_to_each_other_than_real_images_are(model: Stic, drawing: Drawing, test: Data) -> None:
    """The claim is 0.8 of the distance, and the bound leaves room for other CPUs. Far below it if several chains begin
    with one entry of the store, 20 steps before."""
    real = nearest_other(to_float(test.images[:300]))
    assert nearest_other(drawing.images) > 0.7 * real
    entries = torch.arange(75) * model.store.segment // 7 % model.store.hard  # each four times
    taken = model.store.take(entries.repeat(4))
    chains = run_chains(
        model._density(taken.weights, taken.slots, model.config.gamma), taken.images, 20, model.config.sigma,
        torch.Generator().manual_seed(0),
    )  # fmt: skip
    assert nearest_other(((chains.x + 1) / 2).clamp(0, 1)) < 0.7 * real


def test_a_sample_is_a_chain_of_its_own_from_a_blank_canvas(model: Stic, train: Data) -> None:
    """With the store emptied the same images are drawn; before the first step they are uniform noise."""
    other = Stic(replace(model.config, blank_steps=5), train.spec)
    other.load_state_dict(model.state_dict())
    images = other.sample_class(LABELS[:20], torch.Generator().manual_seed(0))
    other.store.images.zero_()
    assert torch.equal(images, other.sample_class(LABELS[:20], torch.Generator().manual_seed(0)))
    start = model.synthesize(LABELS, steps=0).canvas
    assert len(start.unique(dim=0)) == len(LABELS)
    torch.testing.assert_close(start.var(), torch.tensor(1 / 3), atol=0.01, rtol=0)


def test_a_seed_draws_the_same_and_another_seed_another(model: Stic) -> None:
    first, again, other = (model.synthesize(LABELS[:5], steps=5, seed=seed).images for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_more_steps_go_on_from_fewer(model: Stic) -> None:
    """A drawing can be watched: the first steps of a longer one are those of a shorter one."""
    short = model.synthesize(LABELS[:5], steps=5).canvas
    weights = torch.eye(10)[LABELS[:5]]
    rng = torch.Generator().manual_seed(0)
    canvas, slots = blank((5, 1, 8, 8), rng), torch.randint(2**31, (5,), generator=rng)
    density = model._density(weights, slots, model.config.gamma)
    chains = run_chains(density, canvas, 5, model.config.sigma, rng, warmup=model.config.warmup)
    torch.testing.assert_close(short, chains.x)


def test_steps_tests_and_the_gram_weight_can_be_chosen_for_a_drawing(model: Stic) -> None:
    plain = model.synthesize(LABELS[:5], steps=60, seed=3)
    for change in ({"steps": 70}, {"gamma": 50.0}):
        assert not torch.equal(plain.canvas, model.synthesize(LABELS[:5], seed=3, **{"steps": 60, **change}).canvas)
    assert model.synthesize(LABELS[:5], steps=5, mh=False).acceptance.isnan().all()


def test_a_class_is_a_soft_class_of_weight_one(model: Stic) -> None:
    hard, soft = (model.synthesize(it, steps=5).canvas for it in (LABELS[:5], torch.eye(10)[LABELS[:5]]))
    assert torch.equal(hard, soft)


def test_samples_follow_the_classes_of_the_training_set(model: Stic, train: Data) -> None:
    torch.testing.assert_close(model.class_share, train.labels.bincount() / len(train))


def test_a_mixture_is_of_its_classes(model: Stic, judge: Any) -> None:
    weights = torch.eye(10)[LABELS] * 0.5 + torch.eye(10)[(LABELS + 1) % 10] * 0.5
    p = judge.logits(model.sample_mixture(weights, torch.Generator().manual_seed(0))).softmax(1)
    both = p.gather(1, LABELS[:, None]) + p.gather(1, (LABELS[:, None] + 1) % 10)
    assert both.mean() > 0.6


def test_the_weight_of_the_gram_term_follows_from_held_out_images(model: Stic, test: Data) -> None:
    gamma = model.calibrate(test, n=4)
    assert 0 <= gamma <= 1


def test_a_model_trained_without_the_gram_term_can_be_calibrated_too(train: Data, test: Data, fit: Any) -> None:
    model = fit(Stic, SticConfig(width=4, store_size=40, gamma=0.0, mean_decay=0.8), train, 640)
    assert 0.05 < model.class_distance(to_float(train.images), train.labels) < 5  # without a reference it is below 1e-9
    assert 0 <= model.calibrate(test, n=2) <= 1


def test_a_drawing_does_not_depend_on_the_others_of_its_batch(model: Stic) -> None:
    """The state after some steps, given the same noise: the energy of a chain is a function of its own image."""
    weights = torch.eye(10)[LABELS[:4]]
    density = model._density(weights, torch.zeros(4, dtype=torch.int64), 1.0)
    x = torch.rand(4, 1, 8, 8) * 2 - 1
    alone = model._density(weights[:1], torch.zeros(1, dtype=torch.int64), 1.0)(x[:1])
    torch.testing.assert_close(density(x)[:1], alone, atol=1e-3, rtol=1e-5)
