"""The style generator and its discriminator: AdaIN, noise, styles, mixing, growth, deviation, sizes."""

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from bench import BenchError
from bench.parts.style_discriminator import StyleDiscriminator, deviation_of_groups
from bench.parts.style_generator import AdaIn, Mapping, StyleGenerator, blurred

OWN = [[0, 1], [2], [3]]  # the columns of scales of 4, 8 and 16 pixels


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def generator(columns: list[list[int]] = OWN, *, size: int = 16, **options: Any) -> StyleGenerator:
    torch.manual_seed(0)
    gains = [1.0] * sum(map(len, columns))
    made = StyleGenerator(
        (3, size, size), columns, gains, z_dim=5, width=4, mapping_width=8, mapping_depth=2, **options
    )
    for layer in made.layers:
        torch.nn.init.ones_(layer.gain)  # at first the noise has no effect
    return made.eval()


def discriminator(size: int = 16, **options: Any) -> StyleDiscriminator:
    torch.manual_seed(0)
    return StyleDiscriminator((3, size, size), 4, 8, **options).eval()


def test_adain_gives_each_channel_the_mean_and_the_deviation_of_the_style() -> None:
    norm, style = AdaIn(6, 3), torch.randn(2, 6)
    a, b = norm.affine(style).chunk(2, 1)
    out = norm(5 + 3 * torch.randn(2, 3, 8, 8), style)
    torch.testing.assert_close(out.mean((2, 3)), b, atol=1e-5, rtol=0)
    torch.testing.assert_close(out.std((2, 3), correction=0), (1 + a).abs(), atol=1e-4, rtol=0)


def test_adain_of_a_style_of_zero_is_instance_norm() -> None:
    maps = torch.randn(2, 3, 8, 8)
    torch.testing.assert_close(AdaIn(6, 3)(maps, torch.zeros(2, 6)), F.instance_norm(maps), atol=1e-4, rtol=0)


def test_the_mapping_normalises_z_and_not_the_codes() -> None:
    mapping, z, codes = Mapping(5, [1, 1], 8, 2), torch.randn(3, 5), torch.rand(3, 2)
    torch.testing.assert_close(mapping(7 * z, codes), mapping(z, codes))
    assert not torch.allclose(mapping(z, 2 * codes), mapping(z, codes))


def test_before_the_training_a_column_of_the_codes_counts_as_much_as_its_gain_says() -> None:
    """In the variance of what the first layer adds up, relative to a component of z."""
    torch.manual_seed(0)
    weights = Mapping(64, [4.0, 0.5], 4_096, 2).layers[0].weight
    torch.testing.assert_close(
        weights[:, 64:].std(0) / weights[:, :64].std(), torch.tensor([4.0, 0.5]), rtol=0.05, atol=0
    )


def test_before_the_training_styles_move_every_scale() -> None:
    """AdaIN changes means and deviations by about half, however many layers the mapping has."""
    torch.manual_seed(0)
    for depth in (1, 3, 8):
        style = Mapping(24, [4.0], 64, depth)(torch.randn(500, 24), 2 * torch.rand(500, 1) - 1)
        assert 0.2 < AdaIn(64, 100).affine(style).std(0).mean() < 0.8


@pytest.mark.parametrize("size", [4, 7, 8, 28, 32, 64])
def test_codes_become_images_and_images_become_logits(size: int) -> None:
    scales = 1 if size < 8 else (size // 4).bit_length()
    network = generator([[0, 1]] + [[]] * (scales - 1), size=size)
    images = network.draw(torch.rand(8, 2), rng())
    assert images.shape == (8, 3, size, size)
    assert images.abs().max() <= 1
    assert discriminator(size)(images).shape == (8,)


def test_the_same_seed_gives_the_same_images_whatever_the_codes() -> None:
    """How much is drawn from the generator of random numbers does not depend on the codes."""
    network, codes = generator(), torch.rand(4, 4)
    first, second, state = network.draw(codes, rng()), network.draw(codes, rng()), rng()
    assert torch.equal(first, second)
    network.draw(torch.zeros(4, 4), state)
    other = rng()
    network.draw(codes, other)
    assert torch.equal(state.get_state(), other.get_state())


def styles_of(network: StyleGenerator, codes: Tensor) -> list[Tensor]:
    z = torch.randn(len(codes), 1, 5, generator=rng()).expand(-1, network.scales, -1)
    return network.styles(z, codes)


@pytest.mark.parametrize("column", [0, 2, 3])
def test_a_code_changes_the_style_of_its_own_scale_alone(column: int) -> None:
    network, codes = generator(), torch.zeros(2, 4)
    before = styles_of(network, codes)
    codes[:, column] = 1
    changed = [not torch.equal(a, b) for a, b in zip(before, styles_of(network, codes), strict=True)]
    assert changed == [column in columns for columns in OWN]


def test_a_shared_mapping_passes_every_code_to_all_scales() -> None:
    network, codes = generator([[0, 1, 2, 3]] * 3, shared=True), torch.zeros(2, 4)
    assert len(network.mappings) == 1
    before = styles_of(network, codes)
    codes[:, 3] = 1
    assert not any(torch.equal(a, b) for a, b in zip(before, styles_of(network, codes), strict=True))


def test_a_code_of_a_fine_scale_leaves_the_maps_of_coarser_ones_as_they_are() -> None:
    network, seen = generator(), list[Tensor]()
    network.layers[3].register_forward_hook(lambda *call: seen.append(call[2]))  # the second of 8 pixels
    low, high = torch.zeros(2, 4), torch.zeros(2, 4)
    high[:, 3] = 1
    images = [network.draw(codes, rng()) for codes in (low, high)]
    assert torch.equal(seen[0], seen[1])
    assert not torch.equal(images[0], images[1])


def test_z_is_mixed_while_training_only() -> None:
    network, codes = generator(mixing=1.0), torch.rand(8, 4)
    plain = generator().draw(codes, rng())
    assert torch.equal(network.draw(codes, rng()), plain)
    assert not torch.equal(network.train().draw(codes, rng()), plain)


def test_mixing_changes_the_finer_scales_of_some_images_and_never_the_first() -> None:
    network = generator(mixing=0.5)
    z = torch.randn(400, 1, 5, generator=rng()).expand(-1, 3, -1)
    same = (network._mixed(z, rng(1)) == z).all(2)
    assert same[:, 0].all()
    assert not (same[:, 1:].int().diff(dim=1) > 0).any()  # the first z never comes back
    assert 0.35 < same.all(1).float().mean() < 0.65
    assert 0.15 < (same[:, 1] & ~same[:, 2]).float().mean() < 0.35


def test_a_blur_keeps_constant_maps_and_spreads_a_point() -> None:
    torch.testing.assert_close(blurred(torch.ones(1, 2, 5, 5)), torch.ones(1, 2, 5, 5))
    point = torch.zeros(1, 1, 5, 5)
    point[0, 0, 2, 2] = 16
    assert blurred(point)[0, 0, 1:4, 1:4].tolist() == [[1, 2, 1], [2, 4, 2], [1, 2, 1]]


@pytest.mark.parametrize(("stage", "block"), [(0.0, 4), (1.0, 2), (2.0, 1)])
def test_at_a_stage_images_have_the_detail_of_its_scale(stage: float, block: int) -> None:
    network = generator(growing=True)
    network.stage = stage
    images = network.draw(torch.rand(2, 4), rng())
    assert images.shape == (2, 3, 16, 16)
    coarse = F.interpolate(F.avg_pool2d(images, block), scale_factor=block, mode="nearest")
    torch.testing.assert_close(images, coarse)


@pytest.mark.parametrize("end", [0, 1])
def test_between_two_stages_both_networks_pass_from_one_to_the_other(end: int) -> None:
    """At the ends of the transition they are what they are at the stages themselves."""
    g, d = generator(growing=True), discriminator(growing=True)
    near = 1.0 + (1e-6 if end == 0 else 1 - 1e-6)
    found = []
    for stage in (near, 1.0 + end):
        g.stage = d.stage = stage
        images = g.draw(torch.full((8, 4), 0.3), rng())
        found.append((images, d(torch.linspace(-1, 1, 8 * 768).reshape(8, 3, 16, 16))))
    torch.testing.assert_close(found[0], found[1], atol=1e-4, rtol=1e-4)


def test_only_networks_that_grow_have_pixels_at_each_scale() -> None:
    assert list(generator().to_pixels) == ["2"]
    assert list(generator(growing=True).to_pixels) == ["0", "1", "2"]
    assert list(discriminator(growing=True).from_pixels) == ["0", "1", "2"]


def test_the_features_of_an_image_do_not_depend_on_its_batch() -> None:
    network, images = discriminator(), torch.rand(8, 3, 16, 16)
    torch.testing.assert_close(network.features(images)[2:3], network.features(images[2:3]), atol=1e-5, rtol=1e-4)


def test_the_logit_of_an_image_depends_on_its_group_alone() -> None:
    """So that real images and fakes in one batch are never compared with each other."""
    network, images = discriminator(), torch.rand(8, 3, 16, 16)
    torch.testing.assert_close(network(images)[:4], network(images[:4]), atol=1e-5, rtol=1e-4)
    other = torch.cat([images[:3], 1 - images[3:4]])
    assert not torch.allclose(network(other)[:3], network(images[:4])[:3])


def test_the_deviation_is_the_mean_over_features_of_the_deviation_in_a_group() -> None:
    features = torch.tensor([[0.0, 0.0], [2.0, 4.0], [5.0, 5.0], [5.0, 5.0]])
    assert deviation_of_groups(features, 2).flatten().tolist() == pytest.approx([1.5, 1.5, 0, 0], abs=1e-3)


@pytest.mark.parametrize("network", [generator, discriminator])
def test_a_side_that_cannot_be_reached_by_doubling_is_one_sentence(network: Any) -> None:
    with pytest.raises(BenchError, match="got 36; the nearest are 32 and 40"):
        network(size=36)
