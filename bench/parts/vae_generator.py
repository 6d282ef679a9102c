"""The base class of generators with a VAE: sample from the prior, encode, decode, reconstruct, estimate log p(x)."""

from typing import Protocol

import torch
from torch import Tensor

from bench.api import Codes, Generator, Images, LogWeights
from bench.parts.gaussian import PerImage, importance_weighted


class AnyVae(Protocol):
    """What a `VaeGenerator` needs of its VAE, such as `bench.parts.vae.Vae` or `bench.parts.code_vae.CodeVae`."""

    latent_dim: int

    def encode(self, images: Images) -> tuple[Codes, Codes]: ...
    def decode(self, codes: Codes) -> Images: ...
    def log_weights(self, images: Images, draws: int, rng: torch.Generator) -> LogWeights: ...


class VaeGenerator(Generator):
    """Codes are z; images are means m(z), without pixel noise. Training is left to the method."""

    vae: AnyVae

    def mean_of(self, codes: Codes) -> Images:
        """m(z), with gradient."""
        return self.vae.decode(codes)

    def sample(self, n: int, rng: torch.Generator) -> Images:
        """m(z), z from the prior."""
        return self.decode(self.draw_codes(n, rng), rng)

    def draw_codes(self, n: int, rng: torch.Generator) -> Codes:
        """z ~ N(0, I)."""
        return torch.randn(n, self.vae.latent_dim, generator=rng, device=rng.device)

    @torch.no_grad()
    def decode(self, codes: Codes, rng: torch.Generator) -> Images:
        """m(z), deterministic."""
        return self.mean_of(codes)

    @torch.no_grad()
    def encode(self, images: Images) -> Tensor:
        """The mean of q(z|x)."""
        return self.vae.encode(images)[0]

    @torch.no_grad()
    def reconstruct(self, images: Images) -> Images:
        """m at the code of each image, deterministic."""
        return self.mean_of(self.encode(images))

    def log_likelihood(self, images: Images, rng: torch.Generator, draws: int = 100) -> PerImage:
        """log p(x) of the pixels in nats, importance-weighted over `draws` draws from q (arXiv 1509.00519)."""
        return importance_weighted(self.log_weights(images, draws, rng))

    @torch.no_grad()
    def log_weights(self, images: Images, draws: int, rng: torch.Generator) -> LogWeights:
        """log(p(x|z) p(z) / q(z|x)) of draws from q, in nats: the density of pixels around m(z), not of m(z)."""
        return self.vae.log_weights(images, draws, rng)
