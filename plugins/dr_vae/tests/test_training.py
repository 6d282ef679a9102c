"""Stages, resuming, sampling, reconstruction, interpolation, and the recipe for CelebA."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from dr_vae_figures import rng
from dr_vae_toys import TOY, ConvGuide, ConvGuideConfig
from torch import Tensor, nn

from bench import BenchError, Data, Images, Run, Spec
from bench.api import capabilities
from bench.testing.fixtures import Interrupt
from bench_dr_vae import DrVae, DrVaeConfig, DrVaeLogits
from bench_dr_vae.recipes import CELEBA

Fit = Callable[..., DrVae]
QUICK = DrVaeConfig(width=4, latent_dim=6, batch_size=32, prior_batch=16, norm="batch", adjust_share=0.25)


def same(first: nn.Module, second: nn.Module, but: str = "?") -> bool:
    rows = [{name: it for name, it in each.state_dict().items() if but not in name} for each in (first, second)]
    return all(torch.equal(value, rows[1][name]) for name, value in rows[0].items())


@pytest.mark.parametrize("optimizer", ["muon", "adam"])
@pytest.mark.parametrize("stop", [20, 50])
def test_an_interrupted_training_ends_in_the_same_state(
    train: Data, guide: ConvGuide, fit: Fit, tmp_path: Path, optimizer: str, stop: int
) -> None:
    """Stopped in stage 3 and in stage 4, with a checkpoint after every batch: the sigmas of the term go on too."""
    config: DrVaeConfig = replace(QUICK, optimizer=optimizer, lr=0.01)  # type: ignore[arg-type]
    options: dict[str, Any] = {"folder": tmp_path, "checkpoint_every": 0.0}
    with pytest.raises(KeyboardInterrupt):
        fit(config, train, guide, 60 * 32, progress=Interrupt(stop * 32), **options)
    resumed = fit(config, train, guide, 60 * 32, **options)
    assert same(resumed, fit(config, train, guide, 60 * 32))


@pytest.mark.parametrize("share", [0.0, 0.25])
def test_the_whole_budget_is_used_and_no_more(train: Data, guide: ConvGuide, share: float) -> None:
    model = DrVae(replace(QUICK, adjust_share=share), train.spec)
    run = Run(model, images=3_200, guide=guide)
    model.fit(train, run)
    assert run.left == 0
    assert not any(part.training for part in model.modules())
    assert all(it.requires_grad for it in model.parameters())


def test_stage_4_moves_the_encoder_and_the_statistics_of_the_decoder_only(train: Data, guide: ConvGuide) -> None:
    model = DrVae(QUICK, train.spec)
    run = Run(model, images=1_280, guide=guide)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    model.adjust(train, run, 640)
    moved = {name for name, value in model.state_dict().items() if not torch.equal(value, before[name])}
    assert {name for name in moved if "decoder" in name} == {
        name for name in before if "decoder" in name and ("running" in name or "batches" in name)
    }
    assert not any("log_sigma" in name for name in moved)
    assert all(name in moved for name, _ in model.named_parameters() if "encoder" in name or "posterior" in name)


def test_after_stage_4_the_decoders_statistics_are_those_of_prior_samples(
    train: Data, guide: ConvGuide, fit: Fit
) -> None:
    model = fit(replace(QUICK, prior_batch=256), train, guide, 6_400)
    norms = [it for it in model.vae.decoder.modules() if isinstance(it, nn.BatchNorm2d)]
    seen: list[Tensor] = []
    hook = norms[0].register_forward_hook(lambda module, inputs, output: seen.append(inputs[0]))
    model.sample(2_000, rng())
    hook.remove()
    torch.testing.assert_close(norms[0].running_mean, seen[0].mean((0, 2, 3)), rtol=0.1, atol=0.02)


def test_a_model_does_all_it_says(model: DrVae) -> None:
    assert set(capabilities(model)) == {"CodeConditional", "Density", "Encoding", "Reconstructing"}


def test_samples_are_decoded_draws_from_the_prior(model: DrVae) -> None:
    codes = model.draw_codes(5, rng())
    assert torch.equal(model.sample(5, rng()), model.decode(codes, rng()))
    many = model.draw_codes(20_000, rng())
    assert many.mean().abs() < 0.01
    assert many.std().item() == pytest.approx(1, abs=0.01)


def test_reconstructions_are_near_and_those_of_a_draw_differ_from_draw_to_draw(model: DrVae, images: Images) -> None:
    assert (model.reconstruct(images) - images).square().mean() < 0.3 * images.var(0).mean()
    assert not torch.equal(model.redraw(images, rng(0)), model.redraw(images, rng(1)))
    assert torch.equal(model.redraw(images, rng(0)), model.redraw(images, rng(0)))


def test_an_interpolation_runs_from_one_reconstruction_to_the_other_in_seven_steps(
    model: DrVae, images: Images
) -> None:
    path = model.interpolate(images[:3], images[3:6])
    assert path.shape == (3, 7, 1, 8, 8)
    torch.testing.assert_close(path[:, 0], model.reconstruct(images[:3]))
    torch.testing.assert_close(path[:, -1], model.reconstruct(images[3:6]))
    middle = model.decode((model.encode(images[:3]) + model.encode(images[3:6])) / 2, rng())
    torch.testing.assert_close(path[:, 3], middle)


def test_training_in_bfloat16_works(train: Data, guide: ConvGuide, fit: Fit) -> None:
    model = fit(QUICK, train, guide, 640, precision="bfloat16")
    assert all(value.isfinite().all() for value in model.state_dict().values())
    assert model.sample(4, rng()).dtype == torch.float32


def test_every_setting_of_the_term_changes_the_model(train: Data, guide: ConvGuide, fit: Fit) -> None:
    config = replace(QUICK, adjust_share=0.0)
    usual = fit(config, train, guide, 192)
    for change in (
        {"layers": ("map1",)}, {"layers": ("convs.1.1",)}, {"before_activation": False}, {"features": "random"},
        {"gamma": 0.3}, {"per_pixel": False}, {"feature_sigma": "fixed"}, {"feature_sigma": "element"}, {"term_warmup": 0.0},
        {"pixel_sigma": "fixed"}, {"sigma_start": -1.0}, {"sigma_speed": 1.0}, {"sigma_floor": -0.05},
    ):  # fmt: skip
        other = fit(replace(config, **change), train, guide, 192)
        assert not same(usual, other, but="log_sigma"), change


def test_the_recipe_for_celeba_builds_the_authors_networks_and_takes_steps() -> None:
    spec = Spec("faces", 3, 64, ("a", "b"))
    guide = ConvGuide(ConvGuideConfig(width=4), spec)
    model = DrVae(CELEBA, spec)
    count = sum(it.numel() for it in model.vae.encoder.parameters())
    convs = sum(9 * i * o + 9 * o * o + 4 * o * o + 6 * o for i, o in ((3, 32), (32, 64), (64, 128), (128, 256)))
    assert count == convs + 4096 * 1000 + 2 * 1000
    assert model.vae.posterior.weight.shape == (1000, 1000)  # 500 means and 500 log sigmas
    assert model.vae.decoder.dense(torch.randn(2, 500)).shape == (2, 256, 4, 4)
    assert model.vae.posterior.weight.std().item() == pytest.approx(0.033, rel=0.01)
    pixels = torch.randint(256, (8, 3, 64, 64), dtype=torch.uint8, generator=rng())
    data = Data(spec, pixels, torch.arange(8) % 2)
    small = DrVae(replace(CELEBA, batch_size=4, prior_batch=4, adjust_share=0.5, hidden=50, width=8), spec)
    before = {name: value.clone() for name, value in small.named_parameters()}
    small.fit(data, Run(small, images=16, guide=guide))
    assert all(not torch.equal(value, before[name]) for name, value in small.named_parameters())
    assert small.sample(2, rng()).shape == (2, 3, 64, 64)


def test_the_authors_network_refuses_images_that_it_cannot_halve_four_times() -> None:
    with pytest.raises(BenchError, match="multiple of 16, got 28 pixels; use network=conv"):
        DrVae(DrVaeConfig(network="discgen"), Spec("x", 1, 28, ("a", "b")))


@pytest.mark.parametrize("size", [28, 32])
def test_the_default_network_takes_small_images(size: int) -> None:
    spec = Spec("x", 3, size, ("a", "b"))
    for kind in (DrVae, DrVaeLogits):
        model = kind(kind.Config(width=4), spec)
        assert model.reconstruct(torch.rand(2, *spec.shape)).shape == (2, *spec.shape)


@pytest.mark.parametrize(
    ("settings", "words"),
    [({"latent_dim": 0}, "latent_dim must be at least 1"), ({"gamma": -1.0}, "gamma must be at least 0"),
     ({"adjust_share": 1.0}, "adjust_share must lie in 0 ... 0.9")],
)  # fmt: skip
def test_settings_that_cannot_work_are_refused(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        replace(TOY, **settings)
