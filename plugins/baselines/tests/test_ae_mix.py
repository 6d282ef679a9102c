"""The autoencoder that is mixed: it never sees a class but in its bank, and mixes as ReGene does."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch

from bench import BenchError, Data, Images
from bench.api import capabilities
from bench_baselines import AeMix, AeMixConfig

Fit = Callable[..., Any]


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_no_label_reaches_its_weights(ae_mix: AeMix, train: Data, fit: Fit) -> None:
    """Trained on shuffled labels it has the same networks, to the bit, and another bank."""
    order = torch.randperm(len(train), generator=rng())
    config = replace(ae_mix.config, bank_size=200)
    first, second = (
        fit(AeMix, config, data, 640).state_dict() for data in (train, replace(train, labels=train.labels[order]))
    )
    networks = [name for name in first if name.startswith(("encoder", "decoder"))]
    assert networks
    assert all(torch.equal(first[name], second[name]) for name in networks)
    assert not torch.equal(first["bank.latents"], second["bank.latents"])


def test_every_member_of_a_class_may_be_mixed(ae_mix: AeMix, train: Data) -> None:
    members = torch.bincount(train.labels, minlength=10).clamp(max=100)
    assert torch.equal(ae_mix.bank.pool.sum(1), members)


def test_the_bank_holds_latents_of_training_images(ae_mix: AeMix, train: Data) -> None:
    images = train.images[train.labels == 4].float() / 255
    latents = ae_mix.bank.latents[4, ae_mix.bank.pool[4]]
    nearest = (latents.unsqueeze(1) - ae_mix.encode(images)).norm(dim=2).amin(1)
    assert nearest.max() < 1e-3


def test_it_redraws_digits_it_has_not_seen(ae_mix: AeMix, test_images: Images) -> None:
    error = (ae_mix.reconstruct(test_images) - test_images).square().mean()
    assert error < 0.5 * test_images.var(0, correction=0).mean()


def test_mixes_of_neighbours_are_of_their_class(ae_mix: AeMix, gmm: Any) -> None:
    """Told by the Gaussian mixture, which is another method."""
    labels = torch.arange(200) % 10
    assert (gmm.logits(ae_mix.sample_class(labels, rng())).argmax(1) == labels).float().mean() > 0.8


def test_it_does_all_that_regene_does_but_classify(ae_mix: AeMix) -> None:
    assert set(capabilities(ae_mix)) == {"ClassConditional", "ClassMixing", "Encoding", "Reconstructing"}


def test_a_class_with_too_few_images_ends_the_training_before_it_starts(ae_mix: AeMix, train: Data, fit: Fit) -> None:
    with pytest.raises(BenchError, match="class '3': expected at least 2 training images for mixing, got 0"):
        fit(AeMix, ae_mix.config, train[(train.labels != 3).nonzero()[:, 0]], 64)


def test_settings_that_cannot_work_are_refused() -> None:
    with pytest.raises(ValueError, match="ema must lie in 0"):
        AeMixConfig(ema=1.5)
    with pytest.raises(ValueError, match="width must be at least 1"):
        AeMixConfig(width=0)
