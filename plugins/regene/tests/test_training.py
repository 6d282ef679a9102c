"""Training: two stages, the frozen classifier, the bank as state, resuming, and what ends it."""

import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from bench import BenchError, Data, Run
from bench.api import capabilities
from bench.testing.fixtures import Interrupt
from bench_regene import ReGene, ReGeneConfig

Fit = Callable[..., ReGene]
QUICK = ReGeneConfig(width=4, latent_dim=16, bank_size=100, batch_size=32)


def state_of(model: ReGene, *prefixes: str) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in model.state_dict().items() if name.startswith(prefixes)}


def same(first: dict[str, Tensor], second: dict[str, Tensor]) -> bool:
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


@pytest.fixture(autouse=True)
def _quiet() -> None:
    """So little training tells few images rightly."""
    warnings.filterwarnings("ignore", message="fewer than")


def test_the_classifier_is_the_same_to_the_bit_after_the_decoder_was_trained(train: Data) -> None:
    """Item 8: parameters and batch-norm buffers of E and H, every term of the decoder's loss being on."""
    model = ReGene(replace(QUICK, mse_weight=1.0, cycle_weight=0.1), train.spec)
    run = Run(model, images=2_000)
    model.fit_classifier(train, run, 1_000)
    model.fill_bank(train, run)
    before, decoder = state_of(model, "encoder", "head", "bank"), state_of(model, "decoder")
    model.fit_decoder(train, run, 1_000)
    assert any("running_mean" in name for name in before)
    assert same(before, state_of(model, "encoder", "head", "bank"))
    assert not same(decoder, state_of(model, "decoder"))


def test_the_decoder_learns_through_the_frozen_classifier(train: Data) -> None:
    """With the feature, the class or the cycle term alone the decoder still moves."""
    for name in ("feature_weight", "class_weight", "cycle_weight"):
        off = dict.fromkeys(("pixel_weight", "feature_weight", "class_weight"), 0.0)
        model = ReGene(replace(QUICK, **{**off, name: 1.0}), train.spec)
        run = Run(model, images=100)
        model.fill_bank(train, run)
        before = model.decoder.stages[0][0][0].weight.clone()
        model.fit_decoder(train, run, 64)
        assert not torch.equal(before, model.decoder.stages[0][0][0].weight), name


def test_a_model_does_all_it_says(model: ReGene) -> None:
    assert set(capabilities(model)) == {
        "ClassConditional", "ClassMixing", "Encoding", "Reconstructing", "SelfClassifying"
    }  # fmt: skip


def test_the_classifier_tells_unseen_digits(model: ReGene, test: Data, test_images: Tensor) -> None:
    assert (model.logits(test_images).argmax(1) == test.labels).float().mean() > 0.97


def test_the_state_dict_is_the_whole_model(model: ReGene) -> None:
    other = ReGene(model.config, model.spec)
    other.load_state_dict(model.state_dict())
    labels = torch.arange(10)
    ours, theirs = (it.sample_class(labels, torch.Generator().manual_seed(0)) for it in (model, other))
    assert torch.equal(ours, theirs)


def test_the_shape_of_the_state_does_not_depend_on_the_data(train: Data, fit: Fit) -> None:
    config = replace(QUICK, bank_size=10_000)  # more than there are digits
    few, many = fit(config, train[:400], 200), fit(config, train, 200)
    shapes = [{name: value.shape for name, value in it.state_dict().items()} for it in (few, many)]
    assert shapes[0] == shapes[1]
    assert int((few.bank.predictions >= 0).sum()) == 400
    assert not few.bank.pool[few.bank.predictions < 0].any()


def test_the_bank_holds_latents_of_training_images_with_their_predictions(model: ReGene, train: Data) -> None:
    images = train.images[train.labels == 4].float() / 255
    latents = model.bank.latents[4, model.bank.predictions[4] >= 0]
    assert len(latents) == len(images)
    nearest = (latents.unsqueeze(1) - model.encode(images)).norm(dim=2).amin(1)
    assert nearest.max() < 1e-4
    assert torch.equal(model.head(latents).argmax(1), model.bank.predictions[4, : len(latents)])
    assert torch.equal(model.bank.pool[4], model.bank.predictions[4] == 4)


@pytest.mark.parametrize("training", ["two-stage", "joint"])
@pytest.mark.parametrize("stop", [20, 50])
def test_an_interrupted_training_ends_in_the_same_state(
    train: Data, fit: Fit, tmp_path: Path, training: str, stop: int
) -> None:
    """Stopped in the first stage and in the second, with a checkpoint after every batch."""
    config = replace(QUICK, training=training, cycle_weight=0.1, centre_weight=0.01)
    options = {"folder": tmp_path, "checkpoint_every": 0.0}
    with pytest.raises(KeyboardInterrupt):
        fit(config, train, 64 * 32, progress=Interrupt(stop * 32), **options)
    resumed = fit(config, train, 64 * 32, **options)
    assert same(resumed.state_dict(), fit(config, train, 64 * 32).state_dict())


def test_the_whole_budget_is_used_and_no_more(train: Data) -> None:
    model = ReGene(QUICK, train.spec)
    run = Run(model, images=3_200)
    model.fit(train, run)
    assert run.left == 0


def test_joint_training_learns_to_tell_and_to_redraw(train: Data, test: Data, fit: Fit, test_images: Tensor) -> None:
    joint = fit(replace(QUICK, training="joint", width=8), train, 12_000)
    assert (joint.logits(test_images).argmax(1) == test.labels).float().mean() > 0.8
    error = (joint.reconstruct(test_images) - test_images).square().mean()
    assert error < 0.8 * test_images.var(0, correction=0).mean()  # that of always drawing the mean digit
    assert not any(part.training for part in joint.modules())


def test_training_in_bfloat16_works(train: Data, fit: Fit) -> None:
    model = fit(QUICK, train, 640, precision="bfloat16")
    assert all(value.isfinite().all() for value in model.state_dict().values())
    assert model.sample(4, torch.Generator().manual_seed(0)).dtype == torch.float32


def test_options_of_the_first_stage_change_it(train: Data, fit: Fit) -> None:
    plain = state_of(fit(QUICK, train, 320), "encoder")
    for option in ({"weight_decay": 0.05}, {"label_smoothing": 0.2}, {"centre_weight": 0.1}):
        assert not same(plain, state_of(fit(replace(QUICK, **option), train, 320), "encoder")), option


def test_the_average_of_the_decoder_is_what_is_kept(train: Data, fit: Fit) -> None:
    averaged, last = fit(QUICK, train, 320), fit(replace(QUICK, ema=0.0), train, 320)
    assert same(state_of(averaged, "encoder", "bank"), state_of(last, "encoder", "bank"))
    assert not same(state_of(averaged, "decoder"), state_of(last, "decoder"))


def test_samples_follow_the_classes_of_the_training_set(train: Data, fit: Fit) -> None:
    rare = torch.cat([(train.labels != 3).nonzero()[:, 0], (train.labels == 3).nonzero()[:20, 0]])
    model = fit(QUICK, train[rare], 64)
    assert float(model.class_share[3]) == pytest.approx(20 / len(rare))
    assert float(model.class_share.sum()) == pytest.approx(1)


def test_a_mixture_of_one_class_is_of_that_class_and_weights_alone_move_it(model: ReGene) -> None:
    def mixture(weights: Tensor) -> Tensor:
        return model.sample_mixture(weights, torch.Generator().manual_seed(0))

    ends = torch.eye(10)
    assert (model.logits(mixture(ends)).argmax(1) == torch.arange(10)).all()
    path = torch.stack([torch.linspace(1, 0, 11), torch.linspace(0, 1, 11)], 1)
    steps = mixture(torch.cat([path, torch.zeros(11, 8)], 1))
    assert steps.shape == (11, 1, 8, 8)
    single = mixture(torch.cat([path[:1].expand(11, 2), torch.zeros(11, 8)], 1))
    torch.testing.assert_close(single[0], steps[0])


def test_a_class_with_too_few_images_ends_the_training_before_it_starts(train: Data, fit: Fit) -> None:
    rare = train[(train.labels != 3).nonzero()[:, 0]]
    with pytest.raises(BenchError, match="class '3': expected at least 2 training images for mixing, got 0"):
        fit(QUICK, rare, 64)


def test_a_class_told_wrongly_is_reported_and_mixed_all_the_same(train: Data, fit: Fit) -> None:
    with pytest.warns(
        UserWarning, match="fewer than 5 training images are classified correctly in .* without any guarantee"
    ):
        model = fit(replace(QUICK, n=5), train, 64)
    assert (model.bank.pool.sum(1) >= 5).all()
    assert model.sample(3, torch.Generator().manual_seed(0)).isfinite().all()


def test_a_strict_pool_makes_it_an_error(train: Data, fit: Fit) -> None:
    with pytest.raises(BenchError, match=r"classified correctly in .* of 10 classes .* set strict_pool=false"):
        fit(replace(QUICK, n=5, strict_pool=True), train, 64)


def test_a_bank_too_small_for_the_classes_is_refused(train: Data) -> None:
    with pytest.raises(BenchError, match="bank_size: expected at least 50 for 5 latents of each of 10 classes, got 30"):
        ReGene(replace(QUICK, bank_size=30, n=5), train.spec)


def test_a_model_without_latents_says_so(train: Data) -> None:
    with pytest.raises(BenchError, match="no latents to mix"):
        ReGene(QUICK, train.spec).sample(1, torch.Generator())
