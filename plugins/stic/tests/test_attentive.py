"""Attentive-STIC: masks, the preconditioned chain, confused pairs, and a thousand classes."""

from dataclasses import replace

import pytest
import torch

from bench import Data, Run, Spec
from bench_stic import AttentiveConfig, AttentiveStic
from bench_stic.attentive import attention_mask
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


def test_the_mask_is_where_the_maps_that_speak_for_the_class_are() -> None:
    x = torch.zeros(2, 1, 8, 8)
    x[0, 0, 2, 3], x[1, 0, 5, 1], x[1, 0, 5, 2] = 2.0, 1.0, 4.0
    mask = attention_mask(Density(bright_left, torch.ones(2, 1), 1.0), x)
    torch.testing.assert_close(mask[0, 0], x[0, 0] / 2)
    torch.testing.assert_close(mask[1, 0], x[1, 0] / 4)
    assert (attention_mask(Density(bright_left, torch.ones(1, 1), 1.0), -torch.ones(1, 1, 8, 8)) == 0).all()


@pytest.fixture
def model() -> AttentiveStic:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return AttentiveStic(CONFIG, SPEC)


def test_a_blank_canvas_has_no_mask_yet_and_a_mask_has_a_floor(model: AttentiveStic) -> None:
    density = model._density(torch.eye(3), torch.zeros(3, dtype=torch.int64), 0.0)
    none = torch.zeros(3, 1, 8, 8)
    mask, drawn = model._mask(density, torch.rand(3, 1, 8, 8), torch.tensor([True, False, False]), none)
    assert (mask[0] == 1).all()
    assert (drawn[0] == 0).all()
    assert mask[1:].amin() >= CONFIG.mask_floor
    assert mask[1:].amin() < 1


def test_what_was_looked_at_is_damped(model: AttentiveStic) -> None:
    damped = AttentiveStic(replace(CONFIG, damp=0.5, mask_floor=0.01), SPEC)
    damped.load_state_dict(model.state_dict())
    density = model._density(torch.eye(3), torch.zeros(3, dtype=torch.int64), 0.0)
    x, old = torch.rand(3, 1, 8, 8), torch.zeros(3, dtype=torch.bool)
    fresh, _ = damped._mask(density, x, old, torch.zeros(3, 1, 8, 8))
    again, _ = damped._mask(density, x, old, torch.ones(3, 1, 8, 8))
    large = fresh > 0.02
    torch.testing.assert_close(again[large], fresh[large] / 2)


def test_a_pass_is_one_chain_under_one_mask(model: AttentiveStic) -> None:
    """Two passes of a drawing are two calls of the sampler, the second under the mask of where the first ended."""
    weights, age = torch.eye(3), torch.zeros(3, dtype=torch.int64)
    density = model._density(weights, age, 0.0)
    x = torch.rand(3, 1, 8, 8) * 2 - 1
    together = model._walk(density, x, 6, torch.Generator().manual_seed(0), mh=True, warmup=age, ages=age, passes=2)
    rng = torch.Generator().manual_seed(0)
    first = run_chains(density, x, 3, CONFIG.sigma, rng)
    mask = attention_mask(density, first.x).clamp(min=CONFIG.mask_floor)
    second = run_chains(density, first.x, 3, CONFIG.sigma, rng, scale=mask)
    torch.testing.assert_close(together.x, second.x)
    assert together.tested.tolist() == [6, 6, 6]


def test_half_of_the_soft_pairs_are_confused_classes() -> None:
    model = AttentiveStic(replace(CONFIG, confused=1, store_size=300), Spec("toy", 1, 8, tuple(map(str, range(20)))))
    model.confusion.copy_(torch.eye(20).roll(3, 1))  # i is taken for i + 3
    first, second = model._pairs(1000, torch.Generator().manual_seed(0))
    assert ((first + 3) % 20 == second)[::2].all()
    assert ((first + 3) % 20 == second)[1::2].float().mean() < 0.1
    assert (first != second).all()


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
