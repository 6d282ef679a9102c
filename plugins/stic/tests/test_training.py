"""Training: what it shows the classifier, refreshes, resuming, what ends it, and that every setting does something."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from bench import BenchError, Data, Diverged, Run
from bench.api import capabilities
from bench.testing.fixtures import Interrupt
from bench_stic import AttentiveConfig, AttentiveStic, ScoreConfig, ScoreStic, Stic, SticConfig
from bench_stic.recipes import CIFAR10

Fit = Callable[..., Any]
TINY = SticConfig(
    width=4,
    store_size=40,
    steps=2,
    batch_size=16,
    fake_batch=8,
    blank_steps=3,
    passes=2,
    warmup=2,
    gamma=0.1,
)
TINY_ATTENTIVE = AttentiveConfig(**{**vars(TINY), "draw_passes": 2})
TINY_SCORE = ScoreConfig(
    width=4,
    denoiser_width=4,
    batch_size=16,
    fake_batch=8,
    store_size=40,
    steps=2,
    level_steps=2,
    fake_weight=0.1,
    gamma=0.1,
)
ALL = [
    (Stic, TINY),
    (Stic, replace(TINY, refresh="pass", optimizer="muon")),
    (AttentiveStic, TINY_ATTENTIVE),
    (ScoreStic, TINY_SCORE),
]
NAMES = ["step", "pass", "attentive", "score"]


def state_of(model: Any, *prefixes: str) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in model.state_dict().items() if name.startswith(prefixes)}


def same(first: dict[str, Tensor], second: dict[str, Tensor]) -> bool:
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize(("cls", "config"), ALL, ids=NAMES)
def test_an_interrupted_training_ends_in_the_same_state(
    train: Data, fit: Fit, tmp_path: Path, cls: Any, config: Any
) -> None:
    """A checkpoint after every batch, and an end in the middle of it."""
    options = {"folder": tmp_path, "checkpoint_every": 0.0}
    with pytest.raises(KeyboardInterrupt):
        fit(cls, config, train, 50 * 16, progress=Interrupt(20 * 16), **options)
    resumed = fit(cls, config, train, 50 * 16, **options)
    assert same(resumed.state_dict(), fit(cls, config, train, 50 * 16).state_dict())


@pytest.mark.parametrize(("cls", "config"), ALL, ids=NAMES)
def test_training_in_bfloat16_works(train: Data, fit: Fit, cls: Any, config: Any) -> None:
    model = fit(cls, replace(config, mh=False), train, 80, precision="bfloat16")
    assert all(value.isfinite().all() for value in model.state_dict().values() if value.is_floating_point())
    assert not any(value.dtype == torch.bfloat16 for value in model.state_dict().values())


@pytest.mark.parametrize("cls", [Stic, AttentiveStic, ScoreStic])
def test_a_model_does_all_it_says(cls: type) -> None:
    assert set(capabilities(cls)) == {"ClassConditional", "ClassMixing", "SelfClassifying"}


CHANGES = [
    {"lr": 2e-3}, {"lr_warmup": 0.5}, {"mixup_weight": 0.0}, {"mixup_alpha": 0.3}, {"mh": False, "sigma": 0.2}, {"kappa": 50.0},
    {"shift": 1}, {"flip": True}, {"input_noise": 0.2}, {"fake_loss": "margin"}, {"fake_weight": 1.0},
    {"logit_weight": 0.1}, {"soft_share": 0.5}, {"refresh": "pass"}, {"restart": 0.5}, {"energy": "logprob"},
    {"eps": 0.1}, {"sigma": 0.05}, {"steps": 3}, {"warmup": 0, "sigma": 0.2}, {"gamma": 10.0},
    {"reference": "exemplar"}, {"mean_decay": 0.5}, {"fake_batch": 4}, {"batch_size": 8},
    {"optimizer": "muon"},
]  # fmt: skip


@pytest.fixture(scope="module")
def plain(train: Data, fit: Fit) -> dict[str, Tensor]:
    return state_of(fit(Stic, TINY, train, 160), "net")


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: ",".join(change))
def test_every_setting_of_training_changes_what_is_learnt(
    train: Data, fit: Fit, plain: dict[str, Tensor], change: dict[str, Any]
) -> None:
    assert not same(plain, state_of(fit(Stic, replace(TINY, **change), train, 160), "net"))


def test_settings_of_one_reading_or_refresh_change_it(train: Data, fit: Fit) -> None:
    for base, change in (
        (replace(TINY, fake_loss="margin"), {"margin": 5.0}),
        (replace(TINY, refresh="pass"), {"passes": 3}),
        (replace(TINY, refresh="pass"), {"blank_steps": 5}),
        (replace(TINY, reference="exemplar", gamma=50.0), {"exemplars": 1}),
    ):
        one, other = (fit(Stic, config, train, 192) for config in (base, replace(base, **change)))
        assert not same(state_of(one, "net"), state_of(other, "net")), change


def test_with_no_weight_the_classifier_never_sees_its_fakes(train: Data, fit: Fit) -> None:
    """However it would draw them: the baseline of every comparison. None are drawn."""
    one, other = (
        fit(Stic, replace(TINY, fake_weight=0.0, **it), train, 160) for it in ({}, {"sigma": 0.1, "eps": 1.0})
    )
    assert same(state_of(one, "net"), state_of(other, "net"))
    assert int(one.store.ages.sum()) == 0


def test_fakes_are_detached(train: Data) -> None:
    model = Stic(TINY, train.spec)
    run = Run(model, images=160)
    model._restart(torch.arange(40), run.rng)
    batch = model._batch(train.images[:16] / 255, train.labels[:16], run)
    assert not any(images.requires_grad for images in batch.images)


def test_hard_fakes_are_drawn_for_the_classes_of_the_real_images(train: Data) -> None:
    model = Stic(TINY, train.spec)
    run = Run(model, images=160)
    model._restart(torch.arange(40), run.rng)
    batch = model._batch(train.images[:16] / 255, train.labels[:16], run)
    assert torch.equal(batch.weights[2].argmax(1), train.labels[:6])
    assert [len(it) for it in batch.images] == [16, 16, 6, 2]


def test_a_fake_has_the_class_weights_of_the_image_that_it_is_held_against(train: Data) -> None:
    """Hard and soft: the same two classes in the same shares, so that only the images differ."""
    model = Stic(replace(TINY, fake_batch=30, soft_share=0.5), train.spec)
    run = Run(model, images=160)
    model._restart(torch.arange(40), run.rng)
    for _ in range(3):
        batch = model._batch(train.images[:16] / 255, train.labels[:16], run)
        for fakes, images, rows in ((2, 0, batch.rows[0]), (3, 1, batch.rows[1])):
            torch.testing.assert_close(batch.weights[fakes], batch.weights[images][rows])
        assert ((batch.weights[3] > 0).sum(1) == 2).all()


def test_images_of_one_class_have_no_soft_fakes(train: Data) -> None:
    model = Stic(TINY, train.spec)
    run = Run(model, images=160)
    sevens = train[train.labels == 7][:16]
    batch = model._batch(sevens.images / 255, sevens.labels, run)
    assert [len(it) for it in batch.images] == [16, 16, 6, 0]
    sides, _ = model._answers(batch, run)
    assert "soft" not in model._terms(sides, batch)


def test_the_logit_of_fakes_is_not_one_of_a_class(train: Data, fit: Fit) -> None:
    model = fit(Stic, replace(TINY, fake_loss="k_plus_1", energy="logprob"), train, 80)
    assert model.net.head.out_features == 11
    assert model.logits(train.images[:3] / 255).shape == (3, 10)
    assert model.synthesize(torch.arange(3)).images.shape == (3, 1, 8, 8)


def test_a_pass_draws_a_part_of_the_store_anew(train: Data) -> None:
    model = Stic(replace(TINY, refresh="pass", passes=3), train.spec)
    run = Run(model, images=1000)
    model._draw_pass(0, run)
    first = model.store.images.clone()
    model._draw_pass(0, run)  # drawn already
    assert torch.equal(first, model.store.images)
    model._draw_pass(1, run)
    changed = (first != model.store.images).flatten(1).any(1)
    assert changed.nonzero()[:, 0].tolist() == list(range(1, 40, 3))
    assert (model.store.ages == 3).all()


def test_the_whole_budget_is_used_and_no_more(train: Data) -> None:
    model = Stic(TINY, train.spec)
    run = Run(model, images=320)
    model.fit(train, run)
    assert run.left == 0


def test_acceptance_is_logged_for_each_class(train: Data, fit: Fit) -> None:
    seen: list[dict[str, float]] = []
    fit(Stic, TINY, train, 320, progress=lambda phase, images, of, scalars: seen.append(scalars))
    assert {f"acceptance_{label}" for label in range(10)} <= seen[-1].keys()
    assert 0 <= seen[-1]["acceptance"] <= 1


def test_steps_that_reject_everything_are_reported_with_the_acceptance_seen(train: Data, fit: Fit) -> None:
    wild = replace(TINY, sigma=1.0, eps=1e4, warmup=0, fake_batch=64, steps=10, store_size=200)
    with pytest.raises(BenchError, match=r"GRMALA accepted 0\.00\d\d of its last steps at sigma = 1, eps = 10000"):
        fit(Stic, wild, train, 640)


@pytest.mark.parametrize("cls", [Stic, ScoreStic])
def test_a_training_that_diverges_ends_with_its_last_good_state(train: Data, cls: Any) -> None:
    """It goes back a few times, which the host is told, and then gives up; what it then draws is finite."""
    model = cls(replace(TINY if cls is Stic else TINY_SCORE, lr=1e30), train.spec)
    with pytest.raises(Diverged, match="returns to a good state included"):
        model.fit(train, Run(model, images=1600))
    assert model.sample(4, torch.Generator().manual_seed(0)).isfinite().all()


def test_the_official_cifar10_recipe_builds_and_takes_steps() -> None:
    from bench.testing import tiny_dataset

    data = tiny_dataset(train=12).train
    short = replace(CIFAR10, batch_size=2, fake_batch=2, steps=1, store_size=12, soft_share=0.5)
    model = Stic(short, data.spec)
    assert sum(it.numel() for it in model.net.parameters()) > 36e6
    before = model.net.head.weight.clone()
    model.fit(data, Run(model, images=4))
    assert not torch.equal(before, model.net.head.weight)


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [({"sigma": 0.0}, "eps and sigma: expected positive"), ({"steps": 0}, "steps must be at least 1"),
     ({"restart": 1.5}, "restart must lie in 0 ... 1"), ({"gamma": -1.0}, "gamma must be at least 0"),
     ({"mixup_alpha": 0.0}, "mixup_alpha: expected a positive")],
)  # fmt: skip
def test_settings_that_cannot_work_are_refused(settings: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        SticConfig(**settings)


def test_settings_of_the_variants_that_cannot_work_are_refused() -> None:
    with pytest.raises(ValueError, match="mask_floor: expected a value in"):
        AttentiveConfig(mask_floor=0.0)
    with pytest.raises(ValueError, match="expected 0 < sigma_last < sigma_first"):
        ScoreConfig(sigma_last=20.0)
