"""The networks of GANs: shapes, the weight of a branch, the projection of a label, and what they refuse."""

import pytest
import torch
from torch import nn
from torch.nn.modules.batchnorm import _NormBase

from bench import BenchError
from bench.parts.gan_networks import (
    ConvDiscriminator,
    ConvGenerator,
    LogitHead,
    ResidualBlock,
    ResidualDiscriminator,
    ResidualGenerator,
    channels,
)
from bench.parts.timm_discriminator import TimmDiscriminator


@pytest.mark.parametrize("size", [8, 28, 32, 48, 64])
@pytest.mark.parametrize("networks", [(ResidualGenerator, ResidualDiscriminator), (ConvGenerator, ConvDiscriminator)])
def test_vectors_become_images_and_images_become_logits(networks: tuple[type, type], size: int) -> None:
    generator, discriminator = networks[0]((3, size, size), 5, 4), networks[1]((3, size, size), 4)
    images = generator(torch.randn(2, 5))
    assert images.shape == (2, 3, size, size)
    assert images.abs().max() <= 1
    assert discriminator(images).shape == (2,)


def test_networks_have_no_normalisation() -> None:
    parts = (*ResidualGenerator((3, 32, 32), 5, 4).modules(), *ResidualDiscriminator((3, 32, 32), 4).modules())
    assert not any(isinstance(part, _NormBase | nn.GroupNorm | nn.LayerNorm) for part in parts)


def test_widths_double_with_each_halving_up_to_512() -> None:
    assert channels(16, 8) == [16, 32, 64, 128, 256, 512, 512, 512, 512]


def test_a_residual_block_adds_a_tenth_of_its_branch() -> None:
    block = ResidualBlock(3, 3)
    x = torch.randn(2, 3, 4, 4)
    with torch.no_grad():
        for part in (block.first, block.second):
            part.weight.zero_()
        block.second.bias.fill_(7.0)  # type: ignore[union-attr]
        torch.testing.assert_close(block(x), x + 0.7)


def test_a_branch_is_as_wide_as_the_narrower_side() -> None:
    assert ResidualBlock(8, 4).first.out_channels == ResidualBlock(4, 8).first.out_channels == 4


@pytest.mark.parametrize("network", [ResidualGenerator, ConvGenerator])
def test_a_side_that_cannot_be_reached_by_doubling_is_one_sentence(network: type) -> None:
    with pytest.raises(BenchError, match="got 30; the nearest are 28 and 32"):
        network((3, 30, 30), 5, 4)


def test_the_logit_of_a_label_has_the_projection_of_its_embedding_added() -> None:
    """arXiv 1802.05637, equation 3."""
    head, features, labels = LogitHead(6, classes=3), torch.randn(4, 6), torch.tensor([0, 2, 1, 2])
    assert head.embedding is not None
    expected = features @ head.psi.weight[0] + head.psi.bias + (features * head.embedding.weight[labels]).sum(1)
    torch.testing.assert_close(head(features, labels), expected)
    torch.testing.assert_close(head(features), head.psi(features)[:, 0])


@pytest.mark.parametrize("channels", [1, 3])
def test_a_backbone_of_timm_gives_one_logit_each(channels: int) -> None:
    discriminator = TimmDiscriminator("timm:test_convnext", channels)
    assert discriminator(torch.randn(2, channels, 32, 32)).shape == (2,)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("timm:resnet10t", "expected a backbone without batch norm"),
        ("timm:convnex_atto", "did you mean 'convnext_atto'"),
    ],
)
def test_other_backbones_are_refused_in_a_sentence(name: str, message: str) -> None:
    with pytest.raises(BenchError, match=message):
        TimmDiscriminator(name, 3)
