"""A VAE for codes of few dimensions: 4x4 convolutions without normalisation, Bernoulli or Gaussian pixels.

The network of arXiv 1804.03599 (appendix), as ID-GAN (arXiv 2001.04296) and FactorVAE (arXiv 1802.05983) use it too.
What is added to the reconstruction error is left to an objective, see `bench.parts.disentangling`.
"""

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import torch
import torch.nn.functional as F
from torch import nn

from bench.api import Codes, Images, LogWeights
from bench.errors import BenchError
from bench.parts.doubling import doublings
from bench.parts.gaussian import PerImage, draw, importance_weighted, kl_of_each, log_weight

Likelihood = Literal["bernoulli", "gaussian"]
WIDEST_LOG = 4.0  # log s lies in -4 ... 4, smoothly: log-variances of -8 and less give exploding gradients


@dataclass(frozen=True)
class CodeTerms:
    """The results for one batch of n images and d codes, all in float32."""

    pixels: PerImage  # R, nats: see `CodeVae`
    kl: Codes  # of each dimension of q(c|x) to the prior, nats, (n, d)
    mu: Codes
    log_s: Codes
    codes: Codes  # one draw from q(c|x) for each image
    logits: Images  # of the mean images of these codes


class CodeVae(nn.Module):
    """q(c|x) = N(mu, s), p(c) = N(0, I), and p(x|c) of mean image m(c), for images of `shape` (channels, side, side).

    R, the reconstruction error, is a sum over all elements. "bernoulli": the cross-entropy -sum(x log m + (1 - x) log(1 - m)).
    "gaussian": sum (x - m)^2, which is -log N(x; m, 1/2), 1/2 being the variance, up to the constant log(pi) / 2 of each
    element. Larger images are pooled to `shape` first. Raises `BenchError` for sides that `doublings` refuses.
    """

    def __init__(
        self,
        shape: tuple[int, int, int],
        *,
        latent_dim: int,
        width: int = 32,
        hidden: int = 256,
        likelihood: Likelihood = "bernoulli",
    ) -> None:
        super().__init__()
        self.shape, self.size, self.latent_dim, self.likelihood = shape, shape[1], latent_dim, likelihood
        # First weights are PyTorch's: N(0, 0.02^2), the authors' choice, learnt no faster (README of the baselines, 7)
        self.encoder = encoder(shape, width, hidden, 2 * latent_dim)
        self.decoder = decoder(shape, width, hidden, latent_dim)
        self.to(memory_format=torch.channels_last)

    def fit_size(self, images: Images) -> Images:
        """The images, average-pooled to the side of this VAE if they are larger. Raises `BenchError` if they are smaller."""
        side = images.shape[-1]
        if side < self.size:
            raise BenchError(f"a VAE of {self.size} pixels: expected images of at least this side, got {side} pixels")
        return images if side == self.size else F.adaptive_avg_pool2d(images, self.size)

    def encode(self, images: Images) -> tuple[Codes, Codes]:
        """mu and log s of q(c|x), s the standard deviation, in float32; images of any larger side are pooled."""
        mu, log_variance = self.encoder(self.fit_size(images)).float().chunk(2, 1)
        return mu, WIDEST_LOG * torch.tanh(log_variance / (2 * WIDEST_LOG))

    def logits(self, codes: Codes) -> Images:
        """log(m / (1 - m)) of the mean images m(c), in float32."""
        return self.decoder(codes).float()

    def decode(self, codes: Codes) -> Images:
        """The mean images m(c), in (0, 1) and float32."""
        return torch.sigmoid(self.logits(codes))

    def forward(self, images: Images, rng: torch.Generator) -> CodeTerms:
        """The terms of one draw of c for each image."""
        images = self.fit_size(images)
        mu, log_s = self.encode(images)
        codes = draw(mu, log_s, rng)
        logits = self.logits(codes)
        return CodeTerms(self.error(images, logits), kl_of_each(mu, log_s), mu, log_s, codes, logits)

    def error(self, images: Images, logits: Images) -> PerImage:
        """R of images of the VAE's own side."""
        if self.likelihood == "bernoulli":
            each = F.binary_cross_entropy_with_logits(logits, images.float(), reduction="none")
        else:
            each = (torch.sigmoid(logits) - images.float()).square()  # without 1/2, as ID-GAN's authors have it
        return each.flatten(1).sum(1)

    def log_likelihood(self, images: Images, rng: torch.Generator, draws: int = 100) -> PerImage:
        """Importance-weighted estimate of log p(x) from `draws` draws of q, in nats, (n,): see `log_weights`."""
        return importance_weighted(self.log_weights(images, draws, rng))

    @torch.no_grad()
    def log_weights(self, images: Images, draws: int, rng: torch.Generator) -> LogWeights:
        """log(p(x|c) p(c) / q(c|x)) of `draws` draws c of q for each image, in nats.

        "gaussian": under N(m, 1/2). "bernoulli": a probability if all pixels are 0 or 1, otherwise without the constant
        that makes it a density (arXiv 1907.06845). Pixels are those of the pooled images.
        """
        images = self.fit_size(images)
        constant = 0.5 * math.log(math.pi) * images[0].numel() if self.likelihood == "gaussian" else 0.0
        mu, log_s = self.encode(images)
        weights = []
        for _ in range(draws):
            codes = draw(mu, log_s, rng)
            pixels = self.error(images, self.logits(codes)) + constant
            weights.append(log_weight(pixels, codes, mu, log_s))
        return torch.stack(weights)


def channels_of(width: int, count: int) -> list[int]:
    """Channels after each of `count` convolutions of stride 2: 32, 32, 64, 64, ..., in units of `width` / 32."""
    return [width if index < 2 else 2 * width for index in range(count)]


def encoder(shape: tuple[int, int, int], width: int, hidden: int, outputs: int) -> nn.Sequential:
    """Images to vectors (n, outputs): halved down to a side of 4 to 7 pixels, which one convolution turns into a vector."""
    side, count = doublings(shape[1])
    channels = [shape[0], *channels_of(width, count)]
    layers: list[nn.Module] = []
    for inputs, to in pairwise(channels):
        layers += [nn.Conv2d(inputs, to, 4, stride=2, padding=1), nn.ReLU(inplace=True)]
    layers += [nn.Conv2d(channels[-1], hidden, side), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(hidden, outputs))


def decoder(shape: tuple[int, int, int], width: int, hidden: int, inputs: int) -> nn.Sequential:
    """Vectors (n, inputs) to images: the mirror image of the encoder, with transposed convolutions."""
    side, count = doublings(shape[1])
    channels = [*channels_of(width, count)[::-1], shape[0]]
    layers: list[nn.Module] = [nn.Linear(inputs, hidden), nn.ReLU(inplace=True), nn.Unflatten(1, (hidden, 1, 1))]
    layers.append(nn.ConvTranspose2d(hidden, channels[0], side))
    for before, to in pairwise(channels):
        layers += [nn.ReLU(inplace=True), nn.ConvTranspose2d(before, to, 4, stride=2, padding=1)]
    return nn.Sequential(*layers)
