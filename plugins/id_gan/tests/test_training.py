"""Both stages: what each trains, the gate between them, resuming, sizes, codes, and settings that are refused."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from bench import BenchError, Data, Run, Spec, to_float
from bench.api import capabilities
from bench.testing.fixtures import Interrupt, fitted
from bench_id_gan import IdGan, IdGanConfig, IdGanFactor, IdGanFactorConfig

TINY = IdGanConfig(
    width=4, nuisance_dim=6, batch_size=32, latent_dim=4, vae_width=8, vae_batch=32, vae_share=0.5, beta=0.5,
    r1_every=3,
)  # fmt: skip
IMAGES = 40 * 32  # 20 steps of each stage


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def state(model: torch.nn.Module) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in model.state_dict().items()}


def same(first: dict[str, Tensor], second: dict[str, Tensor], prefix: str = "") -> bool:
    return all(torch.equal(value, second[name]) for name, value in first.items() if name.startswith(prefix))


class States:
    """The state of the model at each report of progress, by phase."""

    def __init__(self) -> None:
        self.model: IdGan | None = None
        self.found: dict[str, list[dict[str, Tensor]]] = {}

    def __call__(self, phase: str, images: int, of: int, scalars: dict[str, float]) -> None:
        assert self.model
        self.found.setdefault(phase, []).append(state(self.model))


def watched(config: IdGanConfig, data: Data, images: int = IMAGES) -> tuple[IdGan, States]:
    torch.manual_seed(0)
    states, model = States(), IdGan(config, data.spec)
    states.model = model
    model.fit(data, Run(model, images=images, progress=states))
    return model, states


def test_progress_names_both_stages(train: Data) -> None:
    _, states = watched(TINY, train)
    assert list(states.found) == ["stage 1, beta-vae", "stage 2, gan"]


def test_the_encoder_is_the_same_to_the_bit_after_stage_2(train: Data) -> None:
    """Item 1."""
    model, states = watched(TINY, train)
    before = states.found["stage 1, beta-vae"][-1]
    assert same(before, state(model), "vae.")
    assert not same(before, state(model), "generator.")


def test_the_encoder_can_be_replaced_by_an_untrained_one_that_stays_as_it_is(train: Data) -> None:
    model, states = watched(replace(TINY, encoder="random"), train, 60 * 32)
    assert not same(states.found["stage 1, beta-vae"][-1], state(model), "vae.")
    assert all(same(it, state(model), "vae.") for it in states.found["stage 2, gan"])


def test_the_encoder_can_be_trained_with_the_generator_and_its_posteriors_are_kept(train: Data) -> None:
    model, states = watched(replace(TINY, encoder="trained"), train)
    assert not same(states.found["stage 1, beta-vae"][-1], state(model), "vae.encoder")
    known = model.encode(to_float(train.images))
    assert torch.cdist(model.posteriors[:, 0], known).amin(1).max() < 1e-3


@pytest.mark.parametrize("stop", [10, 30])
@pytest.mark.parametrize("first_stage", ["beta-vae", "factor-vae", "beta-tcvae"])
def test_a_killed_training_resumes_in_either_stage(train: Data, tmp_path: Path, stop: int, first_stage: Any) -> None:
    config, options = replace(TINY, first_stage=first_stage), {"folder": tmp_path, "checkpoint_every": 0.0}
    with pytest.raises(KeyboardInterrupt):
        fitted(IdGan, config, train, IMAGES, progress=Interrupt(stop * 32), **options)
    resumed = fitted(IdGan, config, train, IMAGES, **options)
    assert same(state(resumed), state(fitted(IdGan, config, train, IMAGES)))


@pytest.mark.parametrize("encoder", ["random", "trained"])
def test_it_resumes_with_another_encoder_too(train: Data, tmp_path: Path, encoder: Any) -> None:
    config, options = replace(TINY, encoder=encoder), {"folder": tmp_path, "checkpoint_every": 0.0}
    with pytest.raises(KeyboardInterrupt):
        fitted(IdGan, config, train, IMAGES, progress=Interrupt(30 * 32), **options)
    resumed = fitted(IdGan, config, train, IMAGES, **options)
    assert same(state(resumed), state(fitted(IdGan, config, train, IMAGES)))


def test_the_whole_budget_is_used_and_no_more(train: Data) -> None:
    model = IdGan(TINY, train.spec)
    run = Run(model, images=IMAGES)
    model.fit(train, run)
    assert run.left == 0
    assert not any(part.training for part in model.generator.modules())


def test_a_collapsed_code_fails_the_job_before_stage_2(train: Data) -> None:
    """Item 1: so large a weight leaves nothing in the code, and the message says what was seen."""
    torch.manual_seed(0)
    states, model = States(), IdGan(replace(TINY, beta=1e4, kl_warmup=0.0, gate_steps=20), train.spec)
    states.model = model
    with pytest.raises(
        BenchError, match=r"expected a KL of at least 3 nats and 3 codes above 0.3 nats, got 0\.\d\d nats"
    ):
        model.fit(train, Run(model, images=IMAGES, progress=states))
    assert list(states.found) == ["stage 1, beta-vae"]


def test_a_first_stage_of_few_steps_is_not_judged(train: Data) -> None:
    _, states = watched(replace(TINY, beta=1e4, kl_warmup=0.0, gate_steps=21), train)
    assert list(states.found) == ["stage 1, beta-vae", "stage 2, gan"]


def test_what_the_gate_demands_can_be_set(train: Data) -> None:
    """Each demand fails the job on its own."""
    with pytest.raises(BenchError, match=r"at least 0 nats and 4 codes above 0\.3 nats"):
        fitted(IdGan, replace(TINY, beta=1e4, gate_steps=1, least_kl=0.0, least_active=4), train, IMAGES)
    with pytest.raises(BenchError, match=r"at least 1000 nats and 0 codes above 0\.3 nats"):
        fitted(IdGan, replace(TINY, gate_steps=1, least_kl=1_000.0, least_active=0), train, IMAGES)


def test_codes_are_drawn_from_the_posteriors_of_training_images(train: Data) -> None:
    """Their mean and variance are those of the mixture of the posteriors that are kept."""
    model = fitted(IdGan, TINY, train, IMAGES)
    mu, log_s = model.posteriors.unbind(1)
    variance = mu.var(0) + (2 * log_s).exp().mean(0)
    codes = model.draw_codes(20_000, rng())
    torch.testing.assert_close(codes.mean(0), mu.mean(0), atol=0.05, rtol=0)
    torch.testing.assert_close(codes.var(0), variance, atol=0, rtol=0.1)
    known = model.vae.encode(to_float(train.images))[0]
    assert torch.cdist(mu, known).amin(1).max() < 1e-3


def test_codes_of_the_prior_are_standard_normal(train: Data) -> None:
    model = IdGan(replace(TINY, code_source="prior"), train.spec)
    torch.testing.assert_close(model.draw_codes(50, rng()), torch.randn(50, 4, generator=rng()))


def test_the_nuisance_changes_the_image_of_a_code_and_comes_from_the_generator_alone(train: Data) -> None:
    model = fitted(IdGan, TINY, train, IMAGES)
    codes = model.draw_codes(4, rng())
    first, again, other = (model.decode(codes, rng(seed)) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_without_a_nuisance_a_code_is_one_image(train: Data) -> None:
    model = fitted(IdGan, replace(TINY, nuisance_dim=0), train, IMAGES)
    codes = model.draw_codes(4, rng())
    assert torch.equal(model.decode(codes, rng(1)), model.decode(codes, rng(2)))


def test_it_has_codes_and_an_encoder_but_no_reconstruction() -> None:
    assert capabilities(IdGan) == ("CodeConditional", "Encoding")


def test_larger_images_are_pooled_for_the_first_stage(train: Data) -> None:
    spec = Spec("large", 1, 16, train.spec.classes)
    large = Data(spec, train.images.repeat_interleave(2, 2).repeat_interleave(2, 3), train.labels)
    model = fitted(IdGan, replace(TINY, encoder_size=8), large, IMAGES)
    assert model.vae.size == 8
    assert model.sample(2, rng()).shape == (2, 1, 16, 16)
    assert model.decode_vae(model.draw_codes(2, rng())).shape == (2, 1, 8, 8)
    assert model.encode(to_float(large.images[:2])).shape == (2, 4)


def test_the_other_entry_differs_in_its_first_stage(train: Data) -> None:
    assert IdGanFactorConfig().first_stage == "factor-vae"
    model = IdGanFactor(IdGanFactorConfig(width=4, vae_width=8, latent_dim=4), train.spec)
    assert model.generator.linear.in_features == 64 + 4


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"latent_dim": 0}, "latent_dim must be at least 1, got 0"),
        ({"w_info": -0.1}, "w_info must be at least 0, got -0.1"),
        ({"vae_share": 1.0}, "vae_share must lie in 0.01 ... 0.99, got 1.0"),
        ({"nuisance_dim": -1}, "nuisance_dim must be at least 0"),
        ({"target": "mean", "code_source": "prior"}, "target=mean needs code_source=aggregated"),
    ],
)
def test_an_invalid_setting_is_one_sentence(setting: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        IdGanConfig(**setting)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("timm:resnet18", "expected a backbone without batch norm, got timm:resnet18"),
        ("timm:ConvNext_Atto", "did you mean 'convnext_atto'"),
    ],
)
def test_a_discriminator_that_cannot_be_used_is_refused_with_the_settings(name: str, message: str) -> None:
    with pytest.raises(BenchError, match=message):
        replace(TINY, discriminator=name)


def test_a_data_set_of_one_image_is_refused(train: Data) -> None:
    with pytest.raises(BenchError, match="at least 2 training images, got 1"):
        fitted(IdGan, TINY, train[:1], IMAGES)


@pytest.mark.parametrize(
    ("size", "encoder_size", "message"),
    [
        (30, 64, "expected a side of 4 to 7 pixels times a power of two, got 30"),
        (32, 24, "encoder_size: expected a divisor of the image side, got 24 for 32 pixels"),
    ],
)
def test_a_size_that_cannot_be_drawn_or_encoded_is_one_sentence(size: int, encoder_size: int, message: str) -> None:
    with pytest.raises(BenchError, match=message):
        IdGan(replace(TINY, encoder_size=encoder_size), Spec("some", 1, size, ("a", "b")))
