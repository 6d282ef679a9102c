"""The built-in classifiers: any architecture at any small size, consistent features, bit-identical training."""

import os
import re
import subprocess
import sys
from dataclasses import fields
from math import log

import pytest
import torch
from torch import nn

from bench.api import Data, Spec, quantize
from bench.backbones import architecture, bench_classifiers
from bench.backbones.architecture import build, idle_strides, remove_idle_strides
from bench.backbones.augment import shift_and_flip
from bench.backbones.classifier import TimmClassifier, TimmConfig
from bench.backbones.presets import ResNetSmallConfig
from bench.errors import BenchError
from bench.muon import Muon, orthogonalized
from bench.training_run import Run, generator

PRESETS = [name for name in bench_classifiers() if name != "timm"]
SIZES = [8, 28, 32, 64]
TINY = ResNetSmallConfig(widths=(8, 8, 16, 16), batch_size=32)


def spec(size: int = 32, channels: int = 3, classes: int = 4) -> Spec:
    return Spec("toy", channels, size, tuple(f"class-{k}" for k in range(classes)))


def stripes(n: int, of: Spec, seed: int = 0) -> Data:
    """Stripes that lie (even classes) or stand (odd), on the left or the right half, with noise."""
    rng = torch.Generator().manual_seed(seed)
    labels = torch.randint(0, len(of.classes), (n,), generator=rng)
    images = torch.rand(n, *of.shape, generator=rng) * 0.5
    for image, label in zip(images, labels.tolist(), strict=True):
        half = image[..., of.size // 2 :] if label // 2 % 2 else image[..., : of.size // 2]
        (half[..., ::2] if label % 2 else half[..., ::2, :]).add_(0.4)
    return Data(of, quantize(images), labels)


def fit(config: TimmConfig, data: Data, images: int, seed: int = 0, **run: object) -> TimmClassifier:
    torch.manual_seed(seed)
    model = TimmClassifier(config, data.spec)
    model.fit(data, Run(model, images=images, seed=seed, **run))
    return model


def weights(model: nn.Module) -> list[torch.Tensor]:
    return [tensor.clone() for tensor in model.state_dict().values()]


def same(first: list[torch.Tensor], second: list[torch.Tensor]) -> bool:
    return all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


# The architecture


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_takes_every_small_size(name, size):
    cls = bench_classifiers()[name]
    model = cls(cls.Config(), spec(size, channels=1)).eval()
    assert model.takes == size
    assert model.logits(torch.rand(2, 1, size, size)).shape == (2, 4)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", ["resnet18", "test_resnet", "test_byobnet", "test_efficientnet", "test_nfnet"])
def test_the_last_map_of_a_convolutional_network_keeps_four_pixels(name, size):
    net, takes = build(name, spec(size))
    last = net.forward_features(torch.rand(1, 3, size, size))
    assert (takes, tuple(last.shape[2:])) == (size, (4, 4))


@pytest.mark.parametrize("size", [8, 12, 16, 20, 28, 32])
@pytest.mark.parametrize("name", ["resnet-xs", "resnet-s", "resnet-m"])
def test_no_stride_of_a_preset_acts_on_a_map_of_one_pixel(name, size):
    cls = bench_classifiers()[name]
    model = cls(cls.Config(), spec(size)).eval()
    kinds = (nn.Conv2d, nn.MaxPool2d, nn.AvgPool2d)
    strided = [layer for layer in model.modules() if isinstance(layer, kinds) and layer.stride not in (1, (1, 1))]
    seen = []
    for layer in strided:
        layer.register_forward_hook(lambda layer, inputs, output: seen.append(inputs[0].shape[-1]))
    model.logits(torch.rand(2, 3, size, size))
    assert len(seen) == len(strided)
    assert all(side > 1 for side in seen)


@pytest.mark.parametrize("name", ["resnet-xs", "resnet-s", "resnet-m"])
def test_no_stride_of_a_preset_is_larger_than_its_map(name):
    config = bench_classifiers()[name].Config()
    for size in [*range(8, 20), 24, 28, 32, 33, 48, 64]:
        with torch.device("meta"):
            net, takes = build(config.name, spec(size), widths=config.widths, depths=config.depths, side=config.side)
            assert (takes, idle_strides(net, 3, size)) == (size, []), size


@pytest.mark.parametrize("stem", [nn.Conv2d(3, 8, 7, 8, padding=3), nn.Conv2d(3, 8, 3, 2, padding=1)])
def test_strides_that_are_larger_than_their_maps_are_removed(stem):
    shrink = [nn.Conv2d(8, 8, 3, 3, padding=1), nn.MaxPool2d(3, 2, padding=1), nn.Conv2d(8, 8, 1, 2)]
    net = nn.Sequential(stem, *shrink, nn.Conv2d(8, 8, 5, 2, padding=2), nn.AvgPool2d(2), nn.Conv2d(8, 4, 1))
    assert idle_strides(net, 3, 8)
    remove_idle_strides(net, 3, 8)
    assert idle_strides(net, 3, 8) == []
    assert net(torch.rand(2, 3, 8, 8)).shape[:2] == (2, 4)


@pytest.mark.parametrize("size", [28, 32])
@pytest.mark.parametrize("name", ["resnet18", "test_convnext", "test_vit", *PRESETS])
def test_a_network_without_such_strides_is_not_changed(name, size, monkeypatch):
    config = bench_classifiers()[name].Config() if name in PRESETS else TimmConfig(name=name)
    results = []
    for _ in range(2):
        torch.manual_seed(0)
        model = TimmClassifier(config, spec(size)).eval()
        results.append((model.state_dict(), model.logits(torch.linspace(0, 1, 3 * size**2).view(1, 3, size, size))))
        monkeypatch.setattr(architecture, "remove_idle_strides", lambda *given: None)
    (first, logits), (second, expected) = results
    assert first.keys() == second.keys()
    assert same(list(first.values()), list(second.values()))
    assert torch.equal(logits, expected)


GRADIENTS = """
import torch
from torch import nn
from bench.api import Spec
from bench.backbones import bench_classifiers

torch.set_num_threads(1)


def gradient(layer, maps, low):
    layer.weight.grad = None
    with torch.autocast("cpu", torch.bfloat16, enabled=low):
        output = layer(maps)
    output.float().mul(torch.linspace(-1, 1, output.numel()).view_as(output)).sum().backward()
    return layer.weight.grad


for name in ("resnet-xs", "resnet-s", "resnet-m"):
    for size in (8, 16):
        torch.manual_seed(0)
        kind, seen = bench_classifiers()[name], {}
        model = kind(kind.Config(), Spec("toy", 3, size, ("a", "b"))).to(memory_format=torch.channels_last)
        layers = [layer for layer in model.modules() if isinstance(layer, nn.Conv2d)]
        hooks = [layer.register_forward_hook(lambda at, inputs, _: seen.update({at: inputs[0]})) for layer in layers]
        with torch.no_grad():
            model.logits(torch.rand(8, 3, size, size).contiguous(memory_format=torch.channels_last))
        for hook in hooks:
            hook.remove()
        for layer, maps in seen.items():
            exact, rough = gradient(layer, maps, False), gradient(layer, maps, True)
            if not (rough - exact).norm() < 0.1 * exact.norm() + 1e-3:
                print(name, size, layer, tuple(maps.shape))
"""


def test_weight_gradients_in_bfloat16_read_no_memory_that_nobody_wrote():
    """glibc fills new memory with 0x7f bytes, which are 3.4e38 as bfloat16 and as float32."""
    environment = os.environ | {"MALLOC_PERTURB_": "128", "OMP_NUM_THREADS": "1"}
    ended = subprocess.run(
        [sys.executable, "-c", GRADIENTS], env=environment, capture_output=True, text=True, timeout=500, check=False
    )
    assert (ended.returncode, ended.stdout) == (0, ""), ended.stderr


def test_a_resnet_for_32_pixels_has_a_small_stem():
    net, _ = build("resnet18", spec(32, channels=1))
    assert (net.conv1.in_channels, net.conv1.kernel_size, net.conv1.stride) == (1, (3, 3), (1, 1))
    assert isinstance(net.maxpool, nn.Identity)


def test_a_resnet_for_large_images_is_left_as_published():
    net, _ = build("resnet18", spec(128))
    assert (net.conv1.kernel_size, net.conv1.stride) == ((7, 7), (2, 2))
    assert isinstance(net.maxpool, nn.MaxPool2d)


@pytest.mark.parametrize(("size", "patch"), [(8, 1), (28, 4), (32, 4), (64, 8)])
def test_a_vision_transformer_gets_patches_that_divide_the_image(size, patch):
    net, takes = build("test_vit", spec(size))
    assert (takes, net.patch_embed.patch_size) == (size, (patch, patch))
    assert net.patch_embed.num_patches >= 49


def test_an_architecture_of_fixed_size_gets_resized_images():
    model = TimmClassifier(TimmConfig(name="levit_128s"), spec(8)).eval()
    images = torch.rand(2, 3, 8, 8, requires_grad=True)
    assert model.takes > 8
    model.logits(images).logsumexp(1).sum().backward()
    assert images.grad is not None
    assert images.grad.abs().sum() > 0


def test_an_unknown_architecture_names_the_nearest():
    with pytest.raises(BenchError, match=re.escape("unknown timm architecture 'resnet81': did you mean 'resnet")):
        build("resnet81", spec())


def test_widths_are_refused_for_an_architecture_without_them():
    with pytest.raises(BenchError, match="VisionTransformer does not support widths"):
        build("test_vit", spec(), widths=(8, 8))
    with pytest.raises(BenchError, match="EfficientNet does not support depths"):
        build("test_efficientnet", spec(), depths=(1, 1))


def test_widths_of_the_wrong_number_are_refused():
    with pytest.raises(BenchError, match=r"timm's 'resnet18' cannot process images with .*'channels'"):
        build("resnet18", spec(), widths=(8, 8))


def test_widths_and_depths_are_those_of_the_stages():
    net, _ = build("resnet18", spec(), widths=(8, 16, 24, 32), depths=(1, 2, 1, 1))
    assert [len(stage) for stage in (net.layer1, net.layer2, net.layer3, net.layer4)] == [1, 2, 1, 1]
    assert [stage[-1].conv2.out_channels for stage in (net.layer1, net.layer2, net.layer3)] == [8, 16, 24]


@pytest.mark.parametrize("name", PRESETS)
def test_presets_have_no_dropout(name):
    cls = bench_classifiers()[name]
    model = cls(cls.Config(norm="group"), spec()).train()
    images = torch.rand(4, 3, 32, 32)
    assert torch.equal(model.logits(images), model.logits(images))


# Norms


@pytest.mark.parametrize("norm", ["group", "layer", "none"])
@pytest.mark.parametrize("name", ["test_resnet", "test_byobnet"])
def test_other_norms_do_not_mix_the_images_of_a_batch(name, norm):
    model = TimmClassifier(TimmConfig(name=name, norm=norm), spec()).train()
    images = torch.rand(6, 3, 32, 32)
    torch.testing.assert_close(model.logits(images)[:1], model.logits(images[:1]), rtol=1e-4, atol=1e-5)
    assert not any(isinstance(module, nn.modules.batchnorm._BatchNorm) for module in model.modules())


def test_batch_norm_mixes_the_images_of_a_batch():
    model = TimmClassifier(TimmConfig(name="test_resnet", norm="batch"), spec()).train()
    images = torch.rand(6, 3, 32, 32)
    assert (model.logits(images)[:2] - model.logits(images[:2])).abs().max() > 1e-3


@pytest.mark.parametrize("norm", ["group", "layer", "none"])
def test_blocks_that_start_at_zero_still_do(norm):
    net, _ = build("test_resnet", spec(), norm=norm)
    assert not net.layer1[-1].bn2.weight.any()


def test_the_activation_of_a_norm_is_kept():
    published, _ = build("test_efficientnet", spec())
    net, _ = build("test_efficientnet", spec(), norm="none")
    images = torch.randn(2, 3, 32, 32)
    assert published.bn1(published.conv_stem(images)).shape == net.bn1(net.conv_stem(images)).shape
    assert any(isinstance(module, type(published.bn1.act)) for module in net.bn1.modules())


# Logits and features


@pytest.mark.parametrize("name", [*PRESETS, "test_vit", "densenet121"])
def test_features_go_from_shallow_to_deep_and_the_last_decides_the_logits(name):
    cls = bench_classifiers().get(name, TimmClassifier)
    model = cls(cls.Config() if name in PRESETS else TimmConfig(name=name), spec()).eval()
    images = torch.rand(3, 3, 32, 32)
    *maps, last = model.features(images)
    if hasattr(model.net, "forward_intermediates"):
        assert len(maps) >= 3
    else:  # such as densenet121 before timm 1.0.31
        assert len(maps) == 1
    assert all(feature.ndim == 4 and len(feature) == 3 for feature in maps)
    assert [m.shape[-1] for m in maps] == sorted((m.shape[-1] for m in maps), reverse=True)
    assert last.ndim == 2
    head = model.net.get_classifier()
    torch.testing.assert_close(head(last), model.logits(images))


@pytest.mark.parametrize("name", PRESETS)
def test_the_gradient_of_logits_and_of_every_feature_reaches_the_images(name):
    cls = bench_classifiers()[name]
    model = cls(cls.Config(), spec()).eval().requires_grad_(False)
    images = torch.rand(2, 3, 32, 32, requires_grad=True)
    for output in (model.logits(images), *model.features(images)):
        (gradient,) = torch.autograd.grad(output.square().sum(), images, retain_graph=True)
        assert gradient.abs().amax((1, 2, 3)).min() > 0


def test_no_layer_overwrites_a_feature_that_was_handed_out():
    model = TimmClassifier(TINY, spec()).eval()
    images = torch.rand(2, 3, 32, 32)
    first = [feature.clone() for feature in model.features(images)]
    handed_out = model.features(images)
    model.logits(images)
    assert same(first, handed_out)


# Training


def test_training_improves_the_accuracy():
    data = stripes(512, spec(16, channels=1))
    model = fit(TINY, data, 4096)
    test = stripes(200, data.spec, seed=1)
    with torch.no_grad():
        assert not model.training
        assert (model.logits(test.images / 255).argmax(1) == test.labels).float().mean() > 0.95


@pytest.mark.parametrize(
    ("optimizer", "lr", "norm"), [("adamw", 4e-3, "none"), ("sgd", 0.05, "batch"), ("muon", 0.02, "group")]
)
def test_every_optimizer_lowers_the_loss(optimizer, lr, norm):
    data = stripes(256, spec(8, channels=1))
    config = ResNetSmallConfig(widths=(8, 8, 16, 16), batch_size=32, optimizer=optimizer, lr=lr, norm=norm)
    model = fit(config, data, 60 * 32)
    with torch.no_grad():
        loss = nn.functional.cross_entropy(model.logits(data.images / 255), data.labels)
    assert loss < 0.9 * log(4)


def test_the_same_seed_gives_bit_identical_weights():
    data = stripes(128, spec(8))
    first, second, third = (fit(TINY, data, 256, seed) for seed in (0, 0, 1))
    assert same(weights(first), weights(second))
    assert not same(weights(first), weights(third))


def test_training_uses_only_the_random_generator_of_the_run():
    data = stripes(128, spec(8))
    torch.manual_seed(5)
    model = TimmClassifier(TINY, data.spec)
    before = torch.get_rng_state()
    model.fit(data, Run(model, images=256))
    assert torch.equal(before, torch.get_rng_state())


def test_an_interrupted_training_resumes_exactly(tmp_path):
    data = stripes(128, spec(8))
    whole = fit(TINY, data, 40 * 32)

    def interrupt(phase: str, images: int, of: int, scalars: dict[str, float]) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(TINY, data, 40 * 32, folder=tmp_path, checkpoint_every=0.0, progress=interrupt)
    torch.manual_seed(0)
    model = TimmClassifier(TINY, data.spec)
    run = Run(model, images=40 * 32, folder=tmp_path)
    model.fit(data, run)
    assert run.resumed_images > 0
    assert same(weights(model), weights(whole))


def test_state_dict_is_the_whole_model():
    data = stripes(128, spec(8))
    model = fit(TINY, data, 256)
    torch.manual_seed(9)
    other = TimmClassifier(TINY, data.spec).eval()
    other.load_state_dict(model.state_dict())
    images = torch.rand(5, 3, 8, 8)
    assert torch.equal(model.logits(images), other.logits(images))


def test_pixels_are_normalised_by_the_training_data():
    data = stripes(128, spec(8))
    model = fit(TINY, data, 64)
    images = data.images / 255
    torch.testing.assert_close(model.mean, images.mean((0, 2, 3), keepdim=True))
    torch.testing.assert_close(model.std, images.std((0, 2, 3)).view(1, 3, 1, 1))


def test_a_constant_channel_gives_finite_logits():
    data = stripes(64, spec(8))
    data.images[:, 1] = 7
    model = fit(TINY, data, 64)
    assert model.logits(data.images[:4] / 255).isfinite().all()


def test_bfloat16_is_for_training_only():
    data = stripes(64, spec(8))
    model = fit(TINY, data, 64, precision="bfloat16")
    assert {tensor.dtype for tensor in model.parameters()} == {torch.float32}
    assert model.logits(data.images[:4] / 255).dtype == torch.float32


# Augmentation


def test_no_shift_and_no_flip_leave_the_images_alone():
    images = torch.rand(4, 3, 8, 8)
    assert shift_and_flip(images, 0, False, generator("cpu", 0)) is images


@pytest.mark.parametrize("flip", [False, True])
def test_an_image_moves_by_at_most_the_reach_and_edges_are_repeated(flip):
    images = torch.rand(64, 2, 8, 8)
    padded = nn.functional.pad(images, (2, 2, 2, 2), mode="replicate")
    crops = torch.stack([padded[..., y : y + 8, x : x + 8] for y in range(5) for x in range(5)])  # (25, n, c, h, w)
    if flip:
        crops = torch.cat([crops, crops.flip(-1)])
    moved = shift_and_flip(images, 2, flip, generator("cpu", 0))
    matches = (crops == moved).flatten(2).all(2)  # (moves, n)
    assert matches.any(0).all()
    assert len(matches.int().argmax(0).unique()) > 15


def test_the_augmentation_follows_from_its_generator():
    images = torch.rand(16, 1, 8, 8)
    first, second, third = (shift_and_flip(images, 1, True, generator("cpu", seed)) for seed in (0, 0, 1))
    assert torch.equal(first, second)
    assert not torch.equal(first, third)


# The optimizer


@pytest.mark.parametrize("shape", [(16, 16), (8, 40), (40, 8)])
def test_orthogonalizing_keeps_the_directions_and_makes_the_singular_values_one(shape):
    matrix = torch.randn(shape, generator=generator("cpu", 1))
    left, values, right = torch.linalg.svd(matrix, full_matrices=False)
    result = left.mT @ orthogonalized(matrix) @ right.mT
    large = values > 0.1 * values.max()
    assert (result.diag()[large] > 0.6).all()
    assert (result.diag() < 1.3).all()
    torch.testing.assert_close(result, result.diag().diag(), rtol=0, atol=1e-4)


def test_in_bfloat16_it_is_the_same_direction():
    matrix = torch.randn(40, 64, generator=generator("cpu", 3))
    exact, rough = orthogonalized(matrix), orthogonalized(matrix, torch.bfloat16)
    assert rough.dtype == torch.float32
    assert torch.cosine_similarity(exact.flatten(), rough.flatten(), 0) > 0.99
    assert not torch.equal(exact, rough)


def test_orthogonalizing_nothing_gives_nothing():
    assert not orthogonalized(torch.zeros(3, 5)).any()


def test_a_step_of_muon_is_the_same_at_any_scale_of_the_gradient():
    results = []
    for scale in (1e-3, 1e3):
        weight = nn.Parameter(torch.zeros(4, 2, 3, 3))
        weight.grad = scale * torch.randn(4, 2, 3, 3, generator=generator("cpu", 2))
        Muon([weight], lr=0.1).step()
        results.append(weight.detach().clone())
    torch.testing.assert_close(*results, rtol=1e-3, atol=1e-5)
    assert 0.01 < results[0].square().mean().sqrt() < 0.03  # lr times the 0.2 of AdamW


# The door


def test_every_setting_is_a_field_with_a_default():
    for cls in bench_classifiers().values():
        assert cls.Config() == cls.Config(**{field.name: field.default for field in fields(cls.Config)})
        assert cls.Config.__dataclass_params__.frozen


def test_guide_and_judge_of_the_command_line_are_two_different_presets():
    from bench.experiment.defaults import CLASSIFIERS

    guide, judge = (bench_classifiers()[CLASSIFIERS[role]] for role in ("guide", "judge"))
    assert guide.Config().name != judge.Config().name
