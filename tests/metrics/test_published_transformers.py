"""The spaces `dinov2` and `clip`, with random weights in files of the published form: the same code, other numbers."""

import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from torch import nn
from torch.nn import functional as F

import bench
from bench.errors import BenchError
from bench.metrics.features import clip, dinov2
from bench.metrics.features.resize import resize
from bench.metrics.features.weights_file import WeightsFile, file_digest
from bench.metrics.spaces import load_space, space_states
from bench.metrics.table import space_metrics

SMALL = "vit_small_patch14_dinov2"  # of the same family as ViT-L/14
LAYERS = 2  # of both networks, to be quick


@pytest.fixture(autouse=True)
def of_few_layers(monkeypatch: pytest.MonkeyPatch) -> None:
    create = timm.create_model
    monkeypatch.setattr(timm, "create_model", lambda name, **other: create(name, **other | {"depth": LAYERS}))


def pixels(n: int = 3, side: int = 40) -> torch.Tensor:
    return torch.randint(0, 256, (n, 3, side, side), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)


def scaled(images: torch.Tensor, mean: tuple[float, ...], std: tuple[float, ...]) -> torch.Tensor:
    """Images of 224 pixels as both networks take them."""
    centre, spread = (torch.tensor(values)[:, None, None] for values in (mean, std))
    return (resize(images, 224) / 255 - centre) / spread


def spread_out(net: nn.Module) -> nn.Module:
    """Random weights with which every layer changes the result."""
    rng = torch.Generator().manual_seed(1)
    for name, value in net.named_parameters():
        level = 1.0 if "norm" in name or "ln_" in name or "gamma" in name else 0.0
        value.data = level + 0.05 * torch.randn(value.shape, generator=rng)
    return net.eval()


def as_published(file: WeightsFile, path: Path, monkeypatch: pytest.MonkeyPatch) -> WeightsFile:
    """The same file, as if `path` were it."""
    monkeypatch.setenv(file.variable, str(path))
    return replace(file, digest=file_digest(path))


@pytest.fixture(scope="module")
def dino() -> dict[str, torch.Tensor]:
    """Weights of a small DINOv2 for 518 pixels under the authors' names, which timm shares."""
    net = spread_out(timm.create_model(SMALL, pretrained=False, num_classes=0, img_size=518, depth=LAYERS))
    return net.state_dict() | {"mask_token": torch.zeros(1, net.num_features)}


@pytest.fixture
def installed_dino(dino, tmp_path, monkeypatch):
    torch.save(dino, tmp_path / "dino.pth")
    monkeypatch.setattr(dinov2, "WEIGHTS", as_published(dinov2.WEIGHTS, tmp_path / "dino.pth", monkeypatch))
    monkeypatch.setattr(dinov2, "ARCHITECTURE", SMALL)


@pytest.fixture(scope="module")
def archive(tmp_path_factory) -> Path:
    """Random weights of CLIP ViT-B/32 with few layers, as OpenAI publish them: TorchScript, half precision."""
    extractor = pytest.importorskip("torch_fidelity.feature_extractor_clip")
    encoder = nn.Module()
    encoder.visual = spread_out(extractor.VisionTransformer(224, 32, 768, LAYERS, 12, 512))
    path = tmp_path_factory.mktemp("weights") / "clip.pt"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.save(torch.jit.script(Holder(encoder.visual.state_dict())), path)
    return path


class Holder(nn.Module):
    """Weights under the names of OpenAI's archive, and one of the text encoder."""

    def __init__(self, weights: dict[str, torch.Tensor]) -> None:
        super().__init__()
        self.visual, self.transformer = nn.Module(), nn.Linear(2, 2)
        for name, value in weights.items():
            place: nn.Module = self.visual
            *parents, last = name.split(".")
            for parent in parents:
                if not hasattr(place, parent):
                    place.add_module(parent, nn.Module())
                place = getattr(place, parent)
            place.register_buffer(last, value.half())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.transformer(x)


@pytest.fixture
def installed_clip(archive, monkeypatch):
    monkeypatch.setattr(clip, "WEIGHTS", as_published(clip.WEIGHTS, archive, monkeypatch))


@torch.no_grad()
def test_clip_is_that_of_torch_fidelity_up_to_the_resize(installed_clip, archive):
    extractor = pytest.importorskip("torch_fidelity.feature_extractor_clip")
    theirs = extractor.VisionTransformer(224, 32, 768, LAYERS, 12, 512).eval()
    theirs.load_state_dict({name.removeprefix("visual."): value for name, value in clip.read(archive).items()})
    space = load_space("clip")
    wanted = theirs(scaled(pixels(), clip.MEAN, clip.STD)).numpy()
    assert (space.dim, space.name) == (512, "clip")
    assert np.abs(wanted).mean() > 0.1
    np.testing.assert_allclose(space(pixels()), wanted, rtol=1e-3, atol=1e-3 * np.abs(wanted).max())


def test_the_published_address_and_digest_of_clip_are_those_of_torch_fidelity():
    known = pytest.importorskip("torch_fidelity.feature_extractor_clip")
    assert clip.WEIGHTS.url == known.MODEL_URLS["clip-vit-b-32"]
    assert clip.WEIGHTS.digest == known.MODEL_METADATA["clip-vit-b-32"]["hash"]


@torch.no_grad()
def test_dinov2_is_that_of_its_authors(installed_dino, dino):
    """Needs a clone of their repository on PYTHONPATH: docs/metrics.md says how."""
    authors = pytest.importorskip("dinov2.models.vision_transformer", reason="the authors' code is not on PYTHONPATH")
    theirs = authors.DinoVisionTransformer(
        img_size=518, patch_size=14, embed_dim=384, depth=LAYERS, num_heads=6, init_values=1.0, block_chunks=0,
        interpolate_antialias=False, interpolate_offset=0.1,
    )  # fmt: skip
    theirs.load_state_dict(dino)
    wanted = theirs.eval()(scaled(pixels(), dinov2.MEAN, dinov2.STD)).numpy()
    np.testing.assert_allclose(load_space("dinov2")(pixels()), wanted, rtol=1e-3, atol=1e-4)


def test_positions_are_resampled_at_the_scale_of_the_authors():
    """A ramp stays one within 0.05: patch i lies at (i + 1/2) 37 / (16 + 0.1) - 1/2, which is up to 0.2 off without 0.1."""
    ramp = torch.arange(37.0).expand(37, 37)
    positions = torch.cat([torch.full((1, 1, 2), 7.0), torch.stack([ramp, ramp.mT], -1).reshape(1, -1, 2)], 1)
    moved = dinov2.resampled(positions, 16)
    assert moved.shape == (1, 257, 2)
    assert moved[0, 0].tolist() == [7, 7]
    expected = ((torch.arange(16) + 0.5) * 37 / 16.1 - 0.5)[1:-1]
    table = moved[0, 1:].unflatten(0, (16, 16))[1:-1, 1:-1]
    torch.testing.assert_close(table[..., 0], expected.expand(14, 14), rtol=0, atol=0.06)
    torch.testing.assert_close(table[..., 1], expected.expand(14, 14).mT, rtol=0, atol=0.06)


@torch.no_grad()
def test_dinov2_is_the_class_token_of_the_network_at_224_pixels(installed_dino, dino):
    """timm resamples positions otherwise, so the comparison is with positions that need no resampling."""
    flat = dino | {"pos_embed": dino["pos_embed"][:, :1].expand(-1, 37 * 37 + 1, -1).contiguous()}
    net = timm.create_model(SMALL, pretrained=False, num_classes=0, img_size=224).eval()
    net.load_state_dict(
        {k: v for k, v in flat.items() if k != "mask_token"} | {"pos_embed": flat["pos_embed"][:, :257]}
    )
    wanted = net.forward_features(scaled(pixels(), dinov2.MEAN, dinov2.STD))[:, 0].numpy()
    found = dinov2.space_of(flat, SMALL, "flat")(pixels())
    np.testing.assert_allclose(found, wanted, rtol=1e-3, atol=1e-4)
    space = load_space("dinov2")
    assert (space.dim, space.name) == (384, "dinov2")
    assert not np.allclose(space(pixels()), found, atol=0.01)  # positions matter


def test_resampled_positions_keep_a_constant_and_the_class_token():
    table = torch.cat([torch.full((1, 1, 4), 9.0), torch.full((1, 37 * 37, 4), 2.0)], 1)
    found = dinov2.resampled(table, 16)
    assert found.shape == (1, 257, 4)
    assert found[0, 0].tolist() == [9.0] * 4
    torch.testing.assert_close(found[:, 1:], torch.full((1, 256, 4), 2.0))


def test_resampled_positions_keep_rows_and_columns():
    """A ramp along one axis stays a ramp along this axis, read at the places of the authors' scale."""
    ramp = torch.arange(37.0)[:, None].expand(37, 37)
    found = dinov2.resampled(F.pad(ramp.reshape(1, -1, 1), (0, 0, 1, 0)), 16)[0, 1:, 0].view(16, 16)
    places = (torch.arange(16) + 0.5) * 37 / 16.1 - 0.5  # 0.18 less than without the offset, at the end
    torch.testing.assert_close(found[1:14], places[1:14, None].expand(-1, 16), rtol=0, atol=0.07)


@pytest.mark.parametrize("space", ["dinov2", "clip"])
def test_metrics_in_these_spaces_are_measured_if_they_are_named(space, request):
    request.getfixturevalue(f"installed_{'dino' if space == 'dinov2' else 'clip'}")
    samples, reference = pixels(20, 32).numpy(), pixels(41, 32)[20:].numpy()
    found = bench.evaluate(samples, reference, metrics=[f"fd-{space}", f"kid-{space}"])
    scores = {score.metric: score for score in found.scores}
    for family in ("fd", "kid"):
        score = scores[f"{family}-{space}"]
        assert score.protocol.startswith(f"{family}@{space}:n=20,ref=21")
        assert score.reason == ""
        assert np.isfinite(score.value)


@pytest.mark.parametrize("file", [dinov2.WEIGHTS, clip.WEIGHTS], ids=lambda it: it.name)
def test_without_weights_the_reason_says_what_to_fetch(file, monkeypatch, tmp_path):
    monkeypatch.setenv(file.variable, str(tmp_path / "none.pth"))
    fd, kid = space_metrics(file.name)
    assert (
        fd.absent() == kid.absent() == f"{file.name} has no weights in {tmp_path / 'none.pth'}: bench fetch {file.name}"
    )
    with pytest.raises(BenchError, match=f"{file.name} has no weights"):
        load_space(file.name)
    assert {name: state for name, state, _ in space_states()}[file.name] == "needs weights"


@pytest.mark.parametrize("file", [dinov2.WEIGHTS, clip.WEIGHTS], ids=lambda it: it.name)
def test_another_file_is_refused_before_it_is_read(file, monkeypatch, tmp_path):
    (tmp_path / "other.pth").write_text("print('not weights')")
    monkeypatch.setenv(file.variable, str(tmp_path / "other.pth"))
    with pytest.raises(BenchError, match=f"holds other weights than {file.file}: expected the SHA-256 {file.digest}"):
        load_space(file.name)


def test_the_digest_of_a_space_changes_with_its_weights(dino):
    assert dinov2.space_of(dino, SMALL, "a").digest != dinov2.space_of(dino, SMALL, "b").digest
