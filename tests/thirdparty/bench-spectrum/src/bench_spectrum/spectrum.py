"""How far the mean power spectrum of samples is from that of real images, frequency by frequency."""

import torch
from torch import Tensor

from bench import ImageMetric, Pixels, ScoredImages

FLOOR = 1e-12  # of the power, relative to that of white pixels: an image without any power has a logarithm too


class SpectrumDistance(ImageMetric):
    source = "Durall et al., arXiv 2003.01826"
    about = "mean distance of the logarithms of the power spectra of samples and training images"
    better = "lower"
    unit = "decades"
    low = 0.0

    def measure(self, images: ScoredImages) -> float:
        samples, real = profile(images.samples), profile(images.reference.images)
        return float((samples - real).abs().mean())


def profile(pixels: Pixels) -> Tensor:
    """log10 of the power at 1, 2, ... waves per image, averaged over directions and images; float64 (size // 2,).

    The mean of each image does not count. Colours are averaged.
    """
    size = pixels.shape[-1]
    total = torch.zeros(size, size, dtype=torch.float64)
    for batch in pixels.split(500):
        grey = batch.double().mean(1) / 255
        total += torch.fft.fft2(grey - grey.mean((1, 2), keepdim=True)).abs().square().sum(0)
    power = total / (len(pixels) * size**2)
    waves = torch.fft.fftfreq(size, 1 / size)
    radius = torch.hypot(waves[:, None], waves[None]).round().long()
    rings = torch.stack([power[radius == ring].mean() for ring in range(1, size // 2 + 1)])
    return (rings + FLOOR).log10()
