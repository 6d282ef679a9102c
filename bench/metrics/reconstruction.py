"""Reconstructions of real test images: pixels, structure, class, and what classifiers see in their hidden layers."""

from collections.abc import Callable

import torch
from torch import Tensor

from bench.api import Classifier, Images, Pixels, to_float
from bench.metrics.cache import content_digest
from bench.metrics.exact import exactly
from bench.metrics.exam import Exam, right
from bench.metrics.metric import Measured
from bench.metrics.spaces import BATCH

ROUNDING = 1 / 12 / 255**2  # mean square of what bytes cannot hold: the least error PSNR knows, 58.9 dB
MOST = 250  # images whose hidden layers are compared


def reconstruction_mse(exam: Exam) -> Measured:
    """Mean squared error of pixels in [0, 1]."""
    return Measured(float(squared_errors(exam.test.images, exam.reconstructions).mean()), exam.n)


def psnr(exam: Exam) -> Measured:
    """Mean over images of the peak signal-to-noise ratio."""
    errors = squared_errors(exam.test.images, exam.reconstructions).clamp(min=ROUNDING)
    return Measured(float(-10 * errors.log10().mean()), exam.n)


def ssim(exam: Exam) -> Measured:
    """Mean structural similarity."""
    images = zip(exam.test.images.split(500), exam.reconstructions.split(500), strict=True)
    return Measured(float(torch.cat([similarity(to_float(x), to_float(y)) for x, y in images]).mean()), exam.n)


def reconstruction_agreement(exam: Exam) -> Measured:
    """The judge's accuracy on reconstructions; how often it says the same of image and reconstruction: `same`."""
    logits = exam.judged(exam.reconstructions)
    parts = (content_digest(exam.test.images),)
    before = exam.kept("judged-test", "judge", parts, lambda: exam.judged(exam.test.images).numpy())
    same = right(logits, torch.from_numpy(before).argmax(1))
    return Measured(right(logits, exam.test.labels), exam.n, {"same": same})


def feature_error(examiner: str) -> Callable[[Exam], Measured]:
    """Mean over the hidden layers of the guide or the judge of their relative errors; a part for each layer."""

    def compute(exam: Exam) -> Measured:
        n = min(exam.n, MOST)
        errors = layer_errors(getattr(exam, examiner), exam.test.images[:n], exam.reconstructions[:n], exam.device)
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
    with exactly(device):
        for a, b in zip(x.split(size), y.split(size), strict=True):
            layers = (classifier.features(to_float(pixels.to(device))) for pixels in (a, b))
            terms = [(_square(f - g), f.sum(0, dtype=torch.float64), _square(f)) for f, g in zip(*layers, strict=True)]
            for total, column in zip((errors, sums, squares), zip(*terms, strict=True), strict=True):
                total[:] = [old + new for old, new in zip(total, column, strict=True)] if total else column
    variances = [float(square - total.square().sum() / len(x)) for square, total in zip(squares, sums, strict=True)]
    return [float(error) / variance if error else 0.0 for error, variance in zip(errors, variances, strict=True)]


def _square(f: Tensor) -> Tensor:
    return f.square().sum(dtype=torch.float64)
