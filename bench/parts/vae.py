"""A variational autoencoder (arXiv 1312.6114): q(z|x) = N(mu, s), p(x|z) = N(m(z), sigma), p(z) = N(0, I).

The networks are arguments; `conv_vae` creates the default ones. With `classes`, encoder and decoder also get the label
(a conditional VAE, Sohn et al., NeurIPS 2015).
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bench.api import Codes, Images, Labels, LogWeights
from bench.parts.conv import ConvBody, Decoder, Norm, sizes, widths
from bench.parts.gaussian import (
    LogSigma,
    PerImage,
    Sharing,
    draw,
    gaussian_nll,
    importance_weighted,
    kl_to_standard,
    log_weight,
)

WIDEST_LOG = 6.0  # log s lies in -6 ... 6, smoothly: KL is linear in it below 0, so a few images may run far off


@dataclass(frozen=True)
class Terms:
    """The results for one batch: the two terms of the negative bound per image, with mean images and codes."""

    pixels: PerImage  # -log p(x|z), nats
    kl: PerImage  # of q(z|x) to the prior, nats
    mean: Images  # m(z): features are computed from it, not from noisy pixels
    codes: Codes  # z

    @property
    def loss(self) -> Tensor:
        """-ELBO, mean over the batch."""
        return (self.pixels + self.kl).mean()


class Vae(nn.Module):
    """`encoder`: images to vectors (n, `features`); one affine layer to mu and log s; `decoder`: codes to mean images.

    The decoder takes codes of `latent_dim`, plus one column per class.
    """

    def __init__(
        self,
        encoder: nn.Module,
        decoder: nn.Module,
        shape: tuple[int, int, int],
        *,
        features: int,
        latent_dim: int,
        classes: int = 0,
        sigma: Sharing = "element",
        sigma_floor: float = -2.5,
        sigma_start: float = 0.0,
    ) -> None:
        super().__init__()
        self.latent_dim, self.classes = latent_dim, classes
        self.encoder, self.decoder = encoder, decoder
        self.posterior = nn.Linear(features + classes, 2 * latent_dim)
        self.log_sigma = LogSigma(shape, sigma, floor=sigma_floor, start=sigma_start)

    @property
    def outputs(self) -> list[Tensor]:
        """The weights of the layers whose output is not normalised: that of mu and log s, and that of the pixels."""
        layers = [it for it in self.decoder.modules() if isinstance(it, nn.Conv2d | nn.ConvTranspose2d | nn.Linear)]
        return [self.posterior.weight, layers[-1].weight]

    def encode(self, images: Images, labels: Labels | None = None) -> tuple[Codes, Codes]:
        """mu and log s of q(z|x), in float32."""
        return self.infer(self.encoder(images), labels)

    def infer(self, features: Tensor, labels: Labels | None = None) -> tuple[Codes, Codes]:
        """The same from the output of the encoder, so that images are encoded once for several labels."""
        both = self.posterior(self._with(features, labels)).float()
        mu, log_s = both.chunk(2, 1)
        return mu, WIDEST_LOG * torch.tanh(log_s / WIDEST_LOG)

    def decode(self, codes: Codes, labels: Tensor | None = None) -> Images:
        """The mean image m(z), in (0, 1) and float32. `labels` may also be shares of the classes, (n, k)."""
        length = self.latent_dim**0.5  # of the label's columns: as long as z, or the decoder finds the class in z
        return self.decoder(self._with(codes, labels, length)).float()

    def forward(self, images: Images, rng: torch.Generator, labels: Labels | None = None) -> Terms:
        """The terms of one draw of z for each image."""
        mu, log_s = self.encode(images, labels)
        codes = draw(mu, log_s, rng)
        mean = self.decode(codes, labels)
        return Terms(gaussian_nll(images, mean, self.log_sigma()), kl_to_standard(mu, log_s), mean, codes)

    @torch.no_grad()
    def log_likelihood(
        self, images: Images, rng: torch.Generator, draws: int = 100, labels: Labels | None = None
    ) -> PerImage:
        """Importance-weighted estimate of log p(x) of each image from `draws` draws of q, in nats."""
        return importance_weighted(self.log_weights(images, draws, rng, labels))

    @torch.no_grad()
    def log_weights(self, images: Images, draws: int, rng: torch.Generator, labels: Labels | None = None) -> LogWeights:
        """`log_weight` of `draws` draws of q for each image, which is encoded once."""
        posterior = self.encode(images, labels)
        return torch.stack([self.log_weight(images, posterior, rng, labels) for _ in range(draws)])

    def log_weight(
        self, images: Images, posterior: tuple[Codes, Codes], rng: torch.Generator, labels: Labels | None = None
    ) -> PerImage:
        """log(p(x|z) p(z) / q(z|x)) of one draw z of q for each image, in nats; `posterior` is mu and log s of q."""
        codes = draw(*posterior, rng)
        pixels = gaussian_nll(images, self.decode(codes, labels), self.log_sigma())
        return log_weight(pixels, codes, *posterior)

    def _with(self, vectors: Tensor, labels: Tensor | None, length: float = 1.0) -> Tensor:
        if (labels is None) != (self.classes == 0):
            raise ValueError(
                f"a VAE with {self.classes} classes: expected {'labels' if self.classes else 'no labels'}, got {'none' if labels is None else 'labels'}"
            )
        if labels is None:
            return vectors
        shares = labels if labels.is_floating_point() else F.one_hot(labels, self.classes)
        return torch.cat([vectors, length * shares.to(vectors)], 1)


class ConvEncoder(nn.Module):
    """The last map of a conv body, flattened: images (n, c, h, w) to (n, `features`)."""

    def __init__(self, channels: int, size: int, width: int) -> None:
        super().__init__()
        self.body = ConvBody(channels, size, width)
        sides = sizes(size)
        self.features = widths(width, len(sides) - 1)[-1] * sides[-1] ** 2

    def forward(self, images: Images) -> Tensor:
        return self.body(images)[-1].flatten(1)


def conv_vae(
    shape: tuple[int, int, int],
    *,
    width: int,
    latent_dim: int,
    classes: int = 0,
    sigma: Sharing = "element",
    sigma_floor: float = -2.5,
    sigma_start: float = 0.0,
    norm: Norm = "batch",
) -> Vae:
    """A VAE over the conv body and decoder, for images of this shape (c, h, w). `norm` is that of the decoder."""
    channels, size, _ = shape
    encoder = ConvEncoder(channels, size, width)
    decoder = Decoder(channels, size, width=width, latent_dim=latent_dim + classes, norm=norm)
    return Vae(
        encoder, decoder, shape, features=encoder.features, latent_dim=latent_dim, classes=classes, sigma=sigma,
        sigma_floor=sigma_floor, sigma_start=sigma_start,
    )  # fmt: skip
