"""Reconstruction: closed forms of MSE, PSNR, SSIM and feature errors."""

import numpy as np
import pytest
import torch

from bench.errors import BenchError
from bench.metrics import reconstruction
from bench.metrics.reconstruction import layer_errors, similarity, squared_errors

CPU = torch.device("cpu")


def _noise(n: int, side: int, seed: int = 0, channels: int = 1) -> torch.Tensor:
    return torch.rand((n, channels, side, side), generator=torch.Generator().manual_seed(seed))


def test_squared_error_is_on_the_scale_from_zero_to_one():
    black, gray = torch.zeros((2, 1, 4, 4), dtype=torch.uint8), torch.full((2, 1, 4, 4), 51, dtype=torch.uint8)
    assert squared_errors(black, gray).tolist() == pytest.approx([0.04, 0.04])


def test_psnr_of_a_known_error_is_that_of_the_formula(make_context, toys, monkeypatch):
    context = make_context(model=toys.Painter())
    base = context.test.images.clamp(max=200)
    monkeypatch.setattr(context, "test", type(context.test)(context.spec, base, context.test.labels))
    context.__dict__["reconstructions"] = base + 51
    assert reconstruction.reconstruction_mse(context).value == pytest.approx(0.04)
    assert reconstruction.psnr(context).value == pytest.approx(-10 * np.log10(0.04))


def test_a_perfect_reconstruction_has_the_psnr_of_rounding(make_context, toys):
    context = make_context(model=toys.Painter())
    context.__dict__["reconstructions"] = context.test.images
    assert reconstruction.reconstruction_mse(context).value == 0
    assert reconstruction.psnr(context).value == pytest.approx(58.92, abs=0.01)
    assert reconstruction.ssim(context).value == pytest.approx(1)
    assert reconstruction.reconstruction_agreement(context).value == 1
    assert reconstruction.feature_error("judge")(context).value == 0


def test_reconstructions_are_those_of_the_model_as_bytes(make_context, toys):
    context = make_context(model=toys.Painter())
    wanted = ((0.9 * context.test.images.float() / 255 + 0.05) * 255).round()
    assert context.reconstructions.dtype == torch.uint8
    assert (context.reconstructions.float() - wanted).abs().max() <= 1


def test_reconstructions_of_the_wrong_shape_are_an_error(make_context, toys):
    class Crops(toys.Painter):
        def reconstruct(self, images):
            return images[..., 1:]

    with pytest.raises(BenchError, match=r"reconstructions: expected shape \(60, 1, 16, 16\), got \(60, 1, 16, 15\)"):
        _ = make_context(model=Crops()).reconstructions


def test_similarity_of_an_image_with_itself_is_one_and_falls_with_noise():
    x = _noise(3, 20)
    noisy = [(x + scale * (_noise(3, 20, 1) - 0.5)).clamp(0, 1) for scale in (0.0, 0.2, 1.0)]
    values = [similarity(x, y).mean() for y in noisy]
    assert values[0] == pytest.approx(1)
    assert values[0] > values[1] > values[2]


def test_similarity_of_flat_images_is_that_of_their_brightness():
    x, y = torch.full((1, 1, 16, 16), 0.2), torch.full((1, 1, 16, 16), 0.6)
    wanted = (2 * 0.2 * 0.6 + 1e-4) / (0.2**2 + 0.6**2 + 1e-4)
    assert similarity(x, y).item() == pytest.approx(wanted, rel=1e-3)


def test_similarity_to_the_negative_is_below_zero():
    x = _noise(2, 24)
    assert similarity(x, 1 - x).max() < 0


@pytest.mark.parametrize("side", [5, 8, 11, 17])
def test_similarity_is_the_mean_over_windows_that_fit(side: int):
    x, y = _noise(1, side, 2).double(), _noise(1, side, 3).double()
    width = min(11, side - 1 + side % 2)
    g = np.exp(-((np.arange(width) - width // 2) ** 2) / 4.5)
    window = np.outer(g, g) / g.sum() ** 2
    values = []
    for i in range(side - width + 1):
        for j in range(side - width + 1):
            a, b = (v[0, 0, i : i + width, j : j + width].numpy() for v in (x, y))
            ma, mb = (window * a).sum(), (window * b).sum()
            va, vb = (window * (a - ma) ** 2).sum(), (window * (b - mb) ** 2).sum()
            cov = (window * (a - ma) * (b - mb)).sum()
            values.append((2 * ma * mb + 1e-4) * (2 * cov + 9e-4) / ((ma**2 + mb**2 + 1e-4) * (va + vb + 9e-4)))
    assert similarity(x, y).item() == pytest.approx(np.mean(values), rel=1e-9)


def test_the_mean_image_has_feature_error_one_in_a_linear_layer(toys):
    x = toys.toy_images(100, 0).images
    mean = x.double().mean(0).round().to(torch.uint8).expand_as(x)
    assert layer_errors(toys.Thirds(), x, mean, CPU)[0] == pytest.approx(1, rel=1e-3)


def test_feature_errors_are_squared_errors_over_variance_in_every_layer(toys, monkeypatch):
    monkeypatch.setattr(reconstruction, "BATCH", {"cpu": 7})  # summed over batches
    x, y = toys.toy_images(60, 0).images, toys.toy_images(60, 1).images
    layers = (toys.Thirds().features(toys.to_float(pixels)) for pixels in (x, y))
    wanted = [float((f - g).square().sum() / (f - f.mean(0)).square().sum()) for f, g in zip(*layers, strict=True)]
    assert layer_errors(toys.Thirds(), x, y, CPU) == pytest.approx(wanted, rel=1e-5)


def test_a_last_map_of_one_pixel_counts_once(toys):
    """It holds the same numbers as the vector behind it, as in the guides and judges for small images."""

    class Pooled(toys.Thirds):
        def features(self, images):
            first = images.mean((2, 3), keepdim=True)
            return [images, first, first.flatten(1)]

    x, y = toys.toy_images(20, 0).images, toys.toy_images(20, 1).images
    assert len(Pooled().features(toys.to_float(x))) == 3
    assert len(layer_errors(Pooled(), x, y, CPU)) == 2


def test_feature_error_has_a_part_for_each_layer_and_is_their_mean(make_context, toys):
    measured = reconstruction.feature_error("guide")(make_context(model=toys.Painter()))
    assert list(measured.parts) == ["layer-1", "layer-2"]
    assert measured.value == pytest.approx(np.mean(list(measured.parts.values())))


def test_agreement_knows_the_true_label_from_what_the_judge_said_before(make_context, toys):
    context = make_context(model=toys.Painter(), judge=toys.Thirds(turn=1))
    measured = reconstruction.reconstruction_agreement(context)
    assert (measured.value, measured.parts["same"]) == (0.0, 1.0)
