"""Reconstructions of real test images: errors of pixels, structure, class, and hidden layers of classifiers."""

from collections.abc import Callable

import torch
from torch import Tensor

from bench.api import Classifier, Images, Pixels, to_float
from bench.metrics.context import EvaluationContext, fraction_correct
from bench.metrics.features.base import BATCH
from bench.metrics.metric import Measured
from bench.metrics.precision import full_precision
from bench.util.hashing import tensor_digest

ROUNDING = 1 / 12 / 255**2  # mean squared rounding error of bytes: the smallest error that PSNR counts, 58.9 dB
MOST = 250  # images whose hidden layers are compared


def reconstruction_mse(context: EvaluationContext) -> Measured:
    """Mean squared error of pixels in [0, 1]."""
    return Measured(float(squared_errors(context.test.images, context.reconstructions).mean()), context.n)


def psnr(context: EvaluationContext) -> Measured:
    """Mean over images of the peak signal-to-noise ratio."""
    errors = squared_errors(context.test.images, context.reconstructions).clamp(min=ROUNDING)
    return Measured(float(-10 * errors.log10().mean()), context.n)


def ssim(context: EvaluationContext) -> Measured:
    """Mean structural similarity."""
    images = zip(context.test.images.split(500), context.reconstructions.split(500), strict=True)
    return Measured(float(torch.cat([similarity(to_float(x), to_float(y)) for x, y in images]).mean()), context.n)


def reconstruction_agreement(context: EvaluationContext) -> Measured:
    """Accuracy of the judge on reconstructions. Part `same`: how often its class is that of the original image."""
    logits = context.judge_logits(context.reconstructions)
    parts = (tensor_digest([context.test.images]),)
    before = context.cached("judge-test", "judge", parts, lambda: context.judge_logits(context.test.images).numpy())
    same = fraction_correct(logits, torch.from_numpy(before).argmax(1))
    return Measured(fraction_correct(logits, context.test.labels), context.n, {"same": same})


def feature_error(role: str) -> Callable[[EvaluationContext], Measured]:
    """Mean over the hidden layers of the `guide` or the `judge` of their relative errors; one part per layer."""

    def compute(context: EvaluationContext) -> Measured:
        n = min(context.n, MOST)
        errors = layer_errors(
            getattr(context, role), context.test.images[:n], context.reconstructions[:n], context.device
        )
        parts = {f"layer-{depth}": error for depth, error in enumerate(errors, start=1)}
        return Measured(sum(errors) / len(errors), n, parts)

    return compute


def squared_errors(x: Pixels, y: Pixels) -> Tensor:
    """Mean squared error of each image, float64 (n,), pixels in [0, 1]."""
    return (x.double() - y.double()).div_(255).square_().flatten(1).mean(1)


def similarity(x: Images, y: Images) -> Tensor:
    """SSIM of each image (Wang et al. 2004), float32 (n,): Gaussian window of 11 pixels and sigma 1.5, inside only.

    Images below 11 pixels get the largest odd window that fits. Channels are averaged.
    """
    rows, columns = (_window(side).to(x) for side in x.shape[-2:])
    blur: Callable[[Tensor], Tensor] = lambda images: rows @ images @ columns.T  # noqa: E731
    mx, my = blur(x), blur(y)
    vx, vy, cov = blur(x * x) - mx * mx, blur(y * y) - my * my, blur(x * y) - mx * my
    c1, c2 = 0.01**2, 0.03**2
    index = (2 * mx * my + c1) * (2 * cov + c2) / ((mx * mx + my * my + c1) * (vx + vy + c2))
    return index.flatten(1).mean(1)


def _window(side: int) -> Tensor:
    """The window at every place where it fits, along one axis: (side - window + 1, side)."""
    width = min(11, side - 1 + side % 2)
    weights = torch.exp(-((torch.arange(width, dtype=torch.float64) - width // 2) ** 2) / (2 * 1.5**2))
    places = torch.zeros(side - width + 1, side, dtype=torch.float64)
    for place in range(len(places)):
        places[place, place : place + width] = weights / weights.sum()
    return places


def layer_errors(classifier: Classifier, x: Pixels, y: Pixels, device: torch.device) -> list[float]:
    """For each layer the squared error of the features of y over the variance of those of x: 1 knows the mean only."""
    errors: list[Tensor] = []
    sums: list[Tensor] = []
    squares: list[Tensor] = []
    size = BATCH.get(device.type, 500)
    with full_precision(device):
        for a, b in zip(x.split(size), y.split(size), strict=True):
            layers = (_different(classifier.features(to_float(pixels.to(device)))) for pixels in (a, b))
            terms = [(_square(f - g), f.sum(0, dtype=torch.float64), _square(f)) for f, g in zip(*layers, strict=True)]
            for total, column in zip((errors, sums, squares), zip(*terms, strict=True), strict=True):
                total[:] = [old + new for old, new in zip(total, column, strict=True)] if total else column
    variances = [float(square - total.square().sum() / len(x)) for square, total in zip(squares, sums, strict=True)]
    return [float(error) / variance if error else 0.0 for error, variance in zip(errors, variances, strict=True)]


def _different(layers: list[Tensor]) -> list[Tensor]:
    """Layers without a last map of one pixel, which is the vector behind it and would count twice."""
    *before, vector = layers
    return [*(it for it in before if it.shape != (*vector.shape, 1, 1)), vector]


def _square(f: Tensor) -> Tensor:
    return f.square().sum(dtype=torch.float64)
