"""Attentive-STIC: masks, the preconditioned chain, confused pairs, and a thousand classes."""

from dataclasses import replace

import pytest
import torch

from bench import Data, Run, Spec
from bench_stic import AttentiveConfig, AttentiveStic
from bench_stic.attentive import Looks, attention, resized
from bench_stic.energy import Density
from bench_stic.grmala import run_chains
from bench_stic.networks import Answer

SPEC = Spec("toy", 1, 8, tuple("abc"))
CONFIG = AttentiveConfig(
    width=8, store_size=30, steps=3, batch_size=16, fake_batch=8, blank_steps=12, warmup=0, gamma=0.0, draw_passes=4
)


def bright_left(x: torch.Tensor) -> Answer:
    """One logit, the sum of the left half of the last stage, which is the image."""
    return Answer((x[..., :4]).flatten(1).sum(1, keepdim=True), [x])


def test_attention_is_where_the_maps_that_speak_for_the_class_are() -> None:
    x = torch.zeros(2, 1, 8, 8)
    x[0, 0, 2, 3], x[1, 0, 5, 1], x[1, 0, 5, 2] = 2.0, 1.0, 4.0
    looked = attention(bright_left, x.requires_grad_(), torch.ones(2, 1))
    torch.testing.assert_close(looked[0, 0], x[0, 0].detach() / 2)
    torch.testing.assert_close(looked[1, 0], x[1, 0].detach() / 4)
    assert (attention(bright_left, -torch.ones(1, 1, 8, 8, requires_grad=True), torch.ones(1, 1)) == 0).all()


def test_the_last_looks_at_each_class_are_kept() -> None:
    looks, maps = Looks(2, 3, (2, 2)), torch.arange(7.0).view(-1, 1, 1, 1).expand(-1, 1, 2, 2)
    looks.update(maps[:2], torch.tensor([0, 1]))
    assert looks.maps[:, 0, 0, 0].tolist() == [0, 1, 1, 1, 1, 1]
    looks.update(maps[2:], torch.tensor([0, 0, 0, 1, 0]))
    assert sorted(looks.maps[:3, 0, 0, 0].tolist()) == [3, 4, 6]
    assert looks.maps[3:, 0, 0, 0].tolist() == [1, 5, 1]
    assert looks.seen.tolist() == [5, 2]


def test_a_look_at_a_soft_class_is_mixed_by_its_weights() -> None:
    looks, rng = Looks(3, 2, (2, 2)), torch.Generator().manual_seed(0)
    looks.update(torch.tensor([0.0, 0.2, 0.4, 0.8]).view(-1, 1, 1, 1).expand(-1, 1, 2, 2), torch.tensor([0, 0, 1, 1]))
    pure, mixed, unseen = torch.eye(3)[[0]], torch.tensor([[0.5, 0.5, 0.0]]), torch.eye(3)[[2]]
    assert {round(float(looks.draw(pure, rng).mean()), 3) for _ in range(50)} == {0, 0.2}
    assert {round(float(looks.draw(mixed, rng).mean()), 3) for _ in range(50)} == {0.2, 0.3, 0.4, 0.5}
    assert (looks.draw(unseen, rng) == 1).all()


@pytest.fixture
def model() -> AttentiveStic:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return AttentiveStic(CONFIG, SPEC)


def look(model: AttentiveStic) -> None:
    """Random attention to 20 images of each class."""
    rng, side = torch.Generator().manual_seed(3), model.looks.maps.shape[1:]
    model.looks.update(torch.rand(60, *side, generator=rng), torch.arange(60) % 3)


def test_a_blank_canvas_has_no_mask_yet_and_a_mask_has_a_floor(model: AttentiveStic) -> None:
    look(model)
    none = torch.zeros(3, 1, 8, 8)
    mask, drawn = model._mask(torch.eye(3), torch.tensor([0, 5, 5]), none, torch.Generator().manual_seed(0))
    assert (mask[0] == 1).all()
    assert (drawn[0] == 0).all()
    assert mask[1:].amin() >= CONFIG.mask_floor
    assert mask[1:].amin() < 1


def test_what_was_looked_at_is_damped(model: AttentiveStic) -> None:
    damped = AttentiveStic(replace(CONFIG, damp=0.5, mask_floor=0.01), SPEC)
    damped.load_state_dict(model.state_dict())
    look(damped)
    fresh, again = (
        damped._mask(torch.eye(3), torch.ones(3, dtype=torch.int64), drawn, torch.Generator().manual_seed(0))[0]
        for drawn in (torch.zeros(3, 1, 8, 8), torch.ones(3, 1, 8, 8))
    )
    large = fresh > 0.02
    torch.testing.assert_close(again[large], fresh[large] / 2)


def test_a_pass_is_one_chain_under_one_mask(model: AttentiveStic) -> None:
    """Two passes of a drawing are two calls of the sampler, the second under a mask."""
    look(model)
    weights, age = torch.eye(3), torch.zeros(3, dtype=torch.int64)
    density = model._density(weights, age, 0.0)
    x = torch.rand(3, 1, 8, 8) * 2 - 1
    together = model._walk(density, x, 6, torch.Generator().manual_seed(0), mh=True, warmup=age, ages=age, passes=2)
    rng = torch.Generator().manual_seed(0)
    model.looks.draw(weights, rng)  # not used on a blank canvas
    first = run_chains(density, x, 3, CONFIG.sigma, rng)
    mask = resized(model.looks.draw(weights, rng), x.shape[2:]).clamp(min=CONFIG.mask_floor)
    second = run_chains(density, first.x, 3, CONFIG.sigma, rng, scale=mask)
    torch.testing.assert_close(together.x, second.x)
    assert together.tested.tolist() == [6, 6, 6]


def gaussian(x: torch.Tensor) -> Answer:
    """Three logits, each the log-density of N(0, I)."""
    return Answer(-x.square().flatten(1).sum(1, keepdim=True).expand(-1, 3) / 2, [x])


def test_passes_leave_the_law_of_the_chains_as_it_is() -> None:
    """Chains begun in N(0, I) stay in it, at 2 steps a pass. Under masks taken from their own canvases they do not."""
    model = AttentiveStic(replace(CONFIG, sigma=0.7), SPEC)
    look(model)
    rng, density = torch.Generator().manual_seed(0), Density(gaussian, torch.eye(3)[torch.arange(1000) % 3], 1.0)
    x, age = torch.randn(1000, 1, 8, 8, generator=rng), torch.ones(1000, dtype=torch.int64)
    chains = model._walk(density, x, 200, rng, mh=True, warmup=0 * age, ages=age, passes=100)
    assert 0.5 < chains.acceptance.mean() < 0.95
    assert abs(float(chains.x.var()) - 1) < 0.02  # standard error 0.006
    for _ in range(100):
        own = (x.abs() / x.abs().amax((2, 3), keepdim=True)).clamp(min=CONFIG.mask_floor)
        x = run_chains(density, x, 2, model.config.sigma, rng, scale=own).x
    assert x.var() < 0.8


def test_half_of_the_images_are_mixed_with_a_class_that_theirs_is_taken_for() -> None:
    model = AttentiveStic(replace(CONFIG, confused=1, store_size=300), Spec("toy", 1, 8, tuple(map(str, range(20)))))
    model.confusion.copy_(torch.eye(20).roll(3, 1))  # i is taken for i + 3
    y = torch.arange(400) % 20
    mixed_with = y[model._partners(y, torch.Generator().manual_seed(0))]
    assert ((y + 3) % 20 == mixed_with)[::2].all()
    assert ((y + 3) % 20 == mixed_with)[1::2].float().mean() < 0.1
    assert torch.equal(model._partners(torch.zeros(4, dtype=torch.int64), torch.Generator()).sort()[0], torch.arange(4))


def test_a_thousand_classes_are_learnt_and_drawn() -> None:
    """A synthetic set of 1,000 classes at 8 pixels: a code of ten blocks, each dark or bright, and noise."""
    codes = (torch.arange(1000)[:, None] >> torch.arange(10)) % 2
    labels = torch.arange(4000) % 1000
    tiles = torch.nn.functional.pad(codes, (0, 6)).view(-1, 1, 4, 4).repeat_interleave(2, 2).repeat_interleave(2, 3)
    noise = torch.randint(0, 40, (4000, 1, 8, 8), generator=torch.Generator().manual_seed(0))
    data = Data(
        Spec("codes", 1, 8, tuple(map(str, range(1000)))), (tiles[labels] * 200 + noise).to(torch.uint8), labels
    )
    config = AttentiveConfig(
        width=16, store_size=2000, soft_share=0.25, steps=2, fake_batch=32, batch_size=100, blank_steps=20, warmup=5,
        fake_weight=0.1, lr=3e-3,
    )  # fmt: skip
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = AttentiveStic(config, data.spec)
    model.fit(data, Run(model, images=20_000))
    accuracy = (model.logits(data.images[:1000] / 255).argmax(1) == labels[:1000]).float().mean()
    assert accuracy > 0.3  # by chance .001
    drawn = model.synthesize(torch.arange(0, 1000, 50), passes=4).images
    assert drawn.shape == (20, 1, 8, 8)
    assert int((model.store.ages[: model.store.hard].view(1000, -1).sum(1) > 0).sum()) > 900  # every class is drawn
