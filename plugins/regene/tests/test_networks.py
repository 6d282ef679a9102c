"""Encoder and decoder at the sizes of the suite's data sets."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import nn

from bench import BenchError, Spec
from bench.parts.conv import folded
from bench_regene import ReGene, ReGeneConfig

SMALL = ReGeneConfig(width=4, latent="dense", latent_dim=8, bank_size=10)


def spec(size: int, channels: int = 3) -> Spec:
    return Spec("made-up", channels, size, ("a", "b"))


@pytest.mark.parametrize("size", [8, 28, 32, 64, 128])
@pytest.mark.parametrize("channels", [1, 3])
def test_images_come_back_in_their_shape_and_range(size: int, channels: int) -> None:
    model = ReGene(SMALL, spec(size, channels))
    images = torch.rand(3, channels, size, size)
    latents, again = model.encode(images), model.reconstruct(images)
    assert latents.shape == (3, 8)
    assert latents.min() >= 0  # ReLU
    assert again.shape == images.shape
    assert 0 <= again.min() <= again.max() <= 1
    assert not again.requires_grad


@pytest.mark.parametrize(("size", "values"), [(8, 8 * 2 * 2), (32, 16 * 4 * 4), (64, 32 * 4 * 4)])
def test_a_latent_that_is_the_last_map_is_where_the_decoder_begins(size: int, values: int) -> None:
    model = ReGene(replace(SMALL, latent="map"), spec(size))
    latents, maps = model.encoder(torch.rand(3, 3, size, size))
    assert torch.equal(latents, maps[-1].flatten(1))
    assert latents.shape == (3, values)
    assert model.head.in_features == model.bank.latents.shape[2] == values
    assert not list(model.decoder.start.parameters())
    assert model.reconstruct(torch.rand(3, 3, size, size)).shape == (3, 3, size, size)


@pytest.mark.parametrize("backbone", ["test_resnet", "test_convnext"])
def test_a_map_of_another_shape_than_the_decoder_begins_with_enters_through_an_affine_layer(backbone: str) -> None:
    model = ReGene(replace(SMALL, latent="map", backbone=backbone), spec(32))
    assert list(model.decoder.start.parameters())
    assert model.reconstruct(torch.rand(2, 3, 32, 32)).shape == (2, 3, 32, 32)


@pytest.mark.parametrize("settings", [{"upsampling": "nearest"}, {"decoder_convs": 1}, {"decoder_convs": 3}])
def test_other_decoders_redraw_too(settings: dict[str, Any]) -> None:
    usual, other = ReGene(SMALL, spec(28)), ReGene(replace(SMALL, **settings), spec(28))
    images = torch.rand(2, 3, 28, 28)
    assert other.reconstruct(images).shape == images.shape
    if "decoder_convs" in settings:
        assert len(usual.decoder.state_dict()) != len(other.decoder.state_dict())
    else:
        other.load_state_dict(usual.state_dict())
        assert not torch.equal(usual.reconstruct(images), other.reconstruct(images))


def test_widths_double_to_eight_times_the_first() -> None:
    stages = ReGene(SMALL, spec(128)).encoder.body.stages
    assert [stage[0][0].out_channels for stage in stages] == [4, 8, 16, 32, 32]


def test_an_encoder_with_folded_norms_is_the_same_map_and_leaves_the_encoder_alone() -> None:
    encoder = ReGene(SMALL, spec(28)).encoder
    for _ in range(20):  # running statistics far from those of a new layer
        encoder.train()(torch.rand(8, 3, 28, 28) ** 2)
    before, images = {name: value.clone() for name, value in encoder.state_dict().items()}, torch.rand(5, 3, 28, 28)
    quick = folded(encoder)
    for mine, its in zip(
        (encoder.eval()(images)[0], *encoder(images)[1]), (quick(images)[0], *quick(images)[1]), strict=True
    ):
        torch.testing.assert_close(its, mine, rtol=1e-4, atol=1e-5)
    assert not any(isinstance(layer, nn.BatchNorm2d) for layer in quick.modules())
    assert all(torch.equal(value, before[name]) for name, value in encoder.state_dict().items())


@pytest.mark.parametrize("backbone", ["test_resnet", "resnet10t", "test_convnext", "test_efficientnet"])
def test_a_timm_backbone_encodes_small_images(backbone: str) -> None:
    model = ReGene(replace(SMALL, backbone=backbone), spec(32))
    assert model.encode(torch.rand(2, 3, 32, 32)).shape == (2, 8)
    maps = model.encoder(torch.rand(2, 3, 32, 32))[1]
    assert len(maps) + 1 == model.encoder.layers == len(model.feature_variance)
    assert maps[-1].shape[-1] >= 2  # a stem of stride 1 leaves something to redraw the image from


def test_an_unknown_backbone_is_refused_with_the_nearest() -> None:
    with pytest.raises(BenchError, match=r"no model 'resnet1' .* try 'resnet"):
        ReGene(ReGeneConfig(backbone="resnet1"), spec(32))


@pytest.mark.parametrize(
    ("backbone", "words"),
    [("test_vit", "is not convolutional"), ("inception_v3", "gives no feature maps of 32 px images")],
)
def test_a_backbone_that_does_not_fit_is_refused(backbone: str, words: str) -> None:
    with pytest.raises(BenchError, match=words):
        ReGene(ReGeneConfig(backbone=backbone), spec(32))
