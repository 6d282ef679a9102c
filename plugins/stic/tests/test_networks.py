"""The classifiers: shapes, determinism, what is refused, and that every part of them can be reached."""

import re

import pytest
import torch
from torch import nn

from bench import BenchError, Spec
from bench_stic.augment import shift_and_flip
from bench_stic.networks import ConvNet, Halving, SelfAttention, WideResNet, make_network, refuse_chance


def spec(size: int = 32, channels: int = 3, classes: int = 4) -> Spec:
    return Spec("toy", channels, size, tuple(map(str, range(classes))))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("size", "sides"), [(8, [8, 4, 2]), (28, [14, 7, 3]), (32, [16, 8, 4]), (64, [32, 16, 8, 4])])
def test_the_conv_net_takes_every_small_size(size: int, sides: list[int], channels: int) -> None:
    answer = make_network("conv", "group", 8, spec(size, channels), 5)(torch.rand(2, channels, size, size))
    assert answer.logits.shape == (2, 5)
    assert [it.shape[2] for it in answer.maps] == sides


def test_the_residual_net_is_the_conv_net_with_blocks_behind_its_stages() -> None:
    torch.manual_seed(0)
    net = make_network("residual", "group", 8, spec(), 4)
    plain, images = make_network("conv", "group", 8, spec(), 4), torch.rand(2, 3, 32, 32)
    plain.load_state_dict(net.state_dict(), strict=False)
    assert (net(images).logits - plain(images).logits).abs().max() > 0.01
    for block in net.blocks:
        for parameter in block.second.parameters():
            nn.init.zeros_(parameter)
    torch.testing.assert_close(net(images).logits, plain(images).logits)
    torch.testing.assert_close(net(images[:1]).logits, net(images).logits[:1], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("channels", "size"), [(1, 8), (3, 32), (3, 25), (4, 28), (5, 16)])
def test_a_convolution_that_is_quick_in_its_gradient_is_the_plain_one(channels: int, size: int) -> None:
    torch.manual_seed(0)
    quick = Halving(channels, 6).double()
    plain = nn.Conv2d(channels, 6, 4, 2, padding=1).double()
    plain.load_state_dict(quick.state_dict())
    images = torch.rand(2, channels, size, size, dtype=torch.float64, requires_grad=True)
    ours, theirs = quick(images), plain(images)
    torch.testing.assert_close(ours, theirs)
    wanted = torch.autograd.grad(theirs.square().sum(), [images, *plain.parameters()], create_graph=True)
    given = torch.autograd.grad(ours.square().sum(), [images, *quick.parameters()], create_graph=True)
    torch.testing.assert_close(given, wanted)
    (twice,) = torch.autograd.grad(wanted[0].square().sum(), plain.weight)  # as score matching has it
    torch.testing.assert_close(torch.autograd.grad(given[0].square().sum(), quick.weight)[0], twice)


def test_the_wide_residual_net_has_no_norm_layer_and_the_published_stages() -> None:
    net = WideResNet(spec(), 28, 10, 10)
    assert [stage[-1].second.out_channels for stage in net.stages] == [160, 320, 640]
    assert [len(stage) for stage in net.stages] == [4, 4, 4]
    assert net.head.in_features == 640
    assert not any("Norm" in type(layer).__name__ for layer in net.modules())
    assert all(layer.bias is not None for layer in net.modules() if isinstance(layer, nn.Conv2d))
    small = WideResNet(spec(), 10, 1, 10)
    assert [it.shape[1:] for it in small(torch.rand(1, 3, 32, 32)).maps] == [(16, 32, 32), (32, 16, 16), (64, 8, 8)]


@pytest.mark.parametrize("norm", ["group", "layer", "none"])
def test_a_timm_backbone_tells_an_image_alone_as_in_a_batch(norm: str) -> None:
    net = make_network("test_resnet", norm, 8, spec(), 4)
    images = torch.rand(5, 3, 32, 32)
    together = net(images)
    torch.testing.assert_close(net(images[:1]).logits, together.logits[:1], atol=1e-5, rtol=1e-4)
    sides = [it.shape[-1] for it in together.maps]
    assert sides == sorted(set(sides), reverse=True)


def test_a_backbone_with_batch_norm_is_refused() -> None:
    with pytest.raises(BenchError, match=r"'test_resnet' has batch norm .* use norm=group, layer or none"):
        make_network("test_resnet", "batch", 8, spec(), 4)


@pytest.mark.parametrize("layer", [nn.Dropout(0.1), nn.Dropout2d(0.5)])
def test_a_backbone_with_dropout_is_refused(layer: nn.Module) -> None:
    with pytest.raises(BenchError, match=r"'mine' has dropout \(Dropout.* changes from call to call"):
        refuse_chance(nn.Sequential(nn.Conv2d(3, 4, 1), layer), "mine")


def test_a_backbone_with_stochastic_depth_is_refused() -> None:
    import timm

    net = timm.create_model("test_convnext", drop_path_rate=0.2)
    with pytest.raises(BenchError, match="has dropout"):
        refuse_chance(net, "test_convnext")


def test_dropout_of_nothing_is_none() -> None:
    refuse_chance(nn.Dropout(0.0), "mine")


@pytest.mark.parametrize("name", ["wrn-27-2", "wrn-28-0"])
def test_a_wide_residual_net_of_an_impossible_depth_is_refused(name: str) -> None:
    with pytest.raises(BenchError, match=r"expected a depth of 6 n \+ 4"):
        make_network(name, "group", 8, spec(), 4)


def test_an_unknown_backbone_names_the_nearest() -> None:
    with pytest.raises(BenchError, match=re.escape("unknown timm architecture 'resnet81'")):
        make_network("resnet81", "group", 8, spec(), 4)


def test_attention_has_no_place_in_a_timm_backbone() -> None:
    with pytest.raises(BenchError, match="no place for an attention block"):
        make_network("test_resnet", "group", 8, spec(), 4, attention=True)


def test_attention_begins_as_nothing_and_mixes_places_once_its_gate_opens() -> None:
    block, x = SelfAttention(16), torch.randn(2, 16, 4, 4)
    assert torch.equal(block(x), x)
    nn.init.ones_(block.gate)
    moved = x.clone()
    moved[:, :, 0, 0] += 1
    assert (block(moved) - block(x))[:, :, 3, 3].abs().min() > 0


@pytest.mark.parametrize(("size", "side"), [(32, 16), (64, 16), (8, 8)])
def test_attention_stands_at_16_pixels_or_as_near_below_as_there_is(size: int, side: int) -> None:
    net = ConvNet(spec(size), 8, 4, attention=True)
    assert net(torch.rand(1, 3, size, size)).maps[net.attention_at].shape[2] == side


def test_a_level_of_noise_changes_the_answer_once_learnt() -> None:
    net, images = ConvNet(spec(), 8, 4, levels=3), torch.rand(2, 3, 32, 32)
    same, other = torch.tensor([0, 0]), torch.tensor([0, 2])
    assert torch.equal(net(images, same).logits, net(images, other).logits)
    nn.init.normal_(net.films[0].weight)
    changed = (net(images, same).logits - net(images, other).logits).abs().amax(1)
    assert changed[0] == 0
    assert changed[1] > 0


@pytest.mark.parametrize("flip", [False, True])
def test_an_image_moves_by_at_most_the_reach_reflected_at_the_edges(flip: bool) -> None:
    images = torch.rand(64, 2, 8, 8)
    padded = nn.functional.pad(images, (2, 2, 2, 2), mode="reflect")
    crops = torch.stack([padded[..., y : y + 8, x : x + 8] for y in range(5) for x in range(5)])
    crops = torch.cat([crops, crops.flip(-1)]) if flip else crops
    moved = shift_and_flip(images, 2, flip, torch.Generator().manual_seed(0))
    matches = (crops == moved).flatten(2).all(2)
    assert matches.any(0).all()
    assert len(matches.int().argmax(0).unique()) > 15
    assert shift_and_flip(images, 0, False, torch.Generator()) is images
