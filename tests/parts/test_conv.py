"""Bodies and decoders at the sizes of the suite's data sets."""

import pytest
import torch
from torch import nn

from bench.parts.conv import ConvBody, Decoder, Norm, folded, sizes, widths


@pytest.mark.parametrize(
    ("size", "sides"),
    [(8, [8, 4, 2]), (28, [28, 14, 7, 4]), (32, [32, 16, 8, 4]), (64, [64, 32, 16, 8, 4]), (30, [30, 15, 8, 4])],
)
def test_stages_halve_the_image_until_four_pixels_are_left(size: int, sides: list[int]) -> None:
    assert sizes(size) == sides


def test_widths_double_to_eight_times_the_first() -> None:
    assert widths(4, 6) == [4, 8, 16, 32, 32, 32]


@pytest.mark.parametrize(("size", "channels"), [(8, 1), (28, 1), (32, 3), (64, 3)])
def test_a_decoder_mirrors_a_body(size: int, channels: int) -> None:
    maps = ConvBody(channels, size, 4)(torch.rand(2, channels, size, size))
    assert [it.shape[-1] for it in maps] == sizes(size)[1:]
    assert [it.shape[1] for it in maps] == widths(4, len(maps))
    images = Decoder(channels, size, width=4, latent_dim=6)(torch.randn(2, 6))
    assert images.shape == (2, channels, size, size)
    assert 0 < images.min() < images.max() < 1


def test_a_folded_copy_is_the_same_map_without_batch_norm_and_leaves_the_original_alone() -> None:
    decoder = Decoder(1, 28, width=4, latent_dim=6)
    for _ in range(20):  # running statistics far from those of a new layer
        decoder.train()(torch.randn(8, 6))
    before, codes = {name: value.clone() for name, value in decoder.state_dict().items()}, torch.randn(5, 6)
    quick = folded(decoder)
    torch.testing.assert_close(quick(codes), decoder.eval()(codes), rtol=1e-4, atol=1e-5)
    assert not any(isinstance(it, nn.BatchNorm2d) for it in quick.modules())
    assert all(torch.equal(value, before[name]) for name, value in decoder.state_dict().items())


@pytest.mark.parametrize(("norm", "depends"), [("weight", False), ("batch", True)])
def test_with_standardised_weights_an_image_does_not_depend_on_the_others_of_its_batch(
    norm: Norm, depends: bool
) -> None:
    torch.manual_seed(0)
    decoder, codes = Decoder(1, 16, width=8, latent_dim=6, norm=norm).train(), torch.randn(4, 6)
    alone, together = decoder(codes[:2]), decoder(codes)[:2]
    assert torch.allclose(alone, together, atol=1e-5) != depends


def test_without_an_affine_layer_codes_are_the_map_that_the_body_ends_with() -> None:
    body, decoder = ConvBody(3, 32, 4).eval(), Decoder(3, 32, width=4, latent_dim=None)
    last = body(torch.rand(2, 3, 32, 32))[-1]
    assert tuple(last.shape[1:]) == decoder.shape
    assert decoder(last.flatten(1)).shape == (2, 3, 32, 32)
    assert not list(decoder.start.parameters())
