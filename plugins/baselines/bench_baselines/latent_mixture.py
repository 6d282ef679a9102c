"""Autoencoders whose codes are drawn from a mixture of Gaussians for each class, fitted after training (arXiv 1903.12436).

Two controls: `vae-mix` shows what a VAE loses by drawing codes from N(0, I), `ae-gmm` what ae-mix and ReGene gain or
lose by drawing codes between those of training images. README, section 5.
"""

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from bench import BenchError, Codes, Data, Generator, Images, Labels, Run, Spec, require_between, to_float
from bench_baselines.autoencoder import AutoencoderConfig, autoencoder, fit_pixels
from bench_baselines.mixture import Mixture
from bench_baselines.vae import VaeConfig, fit_vae, new_vae

FLOOR = 1e-5  # added to the variances of codes
CHUNK = 500  # images encoded at once


@dataclass(frozen=True)
class MixtureConfig:
    """How the mixtures are fitted; the defaults are those of gmm."""

    mixture: int = 10  # Gaussians of each class
    most: int = 20_000  # training images whose codes the mixtures are fitted to
    iterations: int = 15  # of expectation-maximisation
    prior_images: float = 20.0  # images' worth of the covariance of the class, that of a Gaussian is drawn to

    def __post_init__(self) -> None:
        """Raises ValueError for invalid settings."""
        require_between(self, 1, float("inf"), "mixture", "most", "iterations")
        require_between(self, 1e-9, float("inf"), "prior_images")


@dataclass(frozen=True)
class VaeMixConfig(VaeConfig, MixtureConfig):
    """The settings of vae and of the mixtures."""

    def __post_init__(self) -> None:
        """Raises ValueError for invalid settings."""
        MixtureConfig.__post_init__(self)
        VaeConfig.__post_init__(self)


@dataclass(frozen=True)
class AeGmmConfig(AutoencoderConfig, MixtureConfig):
    """The settings of the autoencoder and of the mixtures."""

    def __post_init__(self) -> None:
        """Raises ValueError for invalid settings."""
        MixtureConfig.__post_init__(self)
        AutoencoderConfig.__post_init__(self)


class LatentMixture(Generator):
    """`fit_codes` after a training; `encode` and `image_of` are left to the method."""

    config: Any
    needs_classes = True

    class_share: Tensor  # (k,), of the training set

    def __init__(self, config: MixtureConfig, spec: Spec, dim: int) -> None:
        super().__init__(config, spec)
        k = len(spec.classes)
        self.mixture = Mixture(k, config.mixture, dim)
        self.register_buffer("class_share", torch.full((k,), 1 / k))

    @abstractmethod
    def encode(self, images: Images) -> Codes:
        """The codes (n, d) of these images."""

    @abstractmethod
    def image_of(self, codes: Codes) -> Images:
        """The decoder."""

    @torch.no_grad()
    def fit_codes(self, data: Data, run: Run) -> None:
        """A mixture for each class, of the codes of training images drawn at random.

        Raises `BenchError` for a class without training images.
        """
        chosen = torch.randperm(len(data), generator=run.rng, device=run.rng.device)[: self.config.most].cpu()
        labels = data.labels.cpu()[chosen]
        codes = torch.cat([self.encode(self._load(data, chunk)) for chunk in chosen.split(CHUNK)])
        self.class_share.copy_(torch.bincount(data.labels, minlength=len(self.spec.classes)) / len(data))
        for label, name in enumerate(self.spec.classes):
            members = codes[(labels == label).to(codes.device)]
            if not len(members):
                raise BenchError(f"class {name!r}: expected at least one training image, got none")
            self.mixture.fit(label, members, self.config.iterations, self.config.prior_images, FLOOR, run.rng)

    def _load(self, data: Data, members: Tensor) -> Images:
        return to_float(data.images[members.to(data.images.device)].to(self.class_share.device))

    # Capabilities

    def sample(self, n: int, rng: torch.Generator) -> Images:
        """Classes are drawn as often as they are in the training set."""
        return self.decode(self.draw_codes(n, rng), rng)

    def sample_class(self, labels: Labels, rng: torch.Generator) -> Images:
        """The decoder at a draw from the mixture of each label."""
        return self.decode(self.mixture.draw(labels, rng), rng)

    @torch.no_grad()
    def draw_codes(self, n: int, rng: torch.Generator) -> Codes:
        labels = torch.multinomial(self.class_share.to(rng.device), n, replacement=True, generator=rng)
        return self.mixture.draw(labels, rng)

    @torch.no_grad()
    def decode(self, codes: Codes, rng: torch.Generator) -> Images:
        """Deterministic."""
        return self.image_of(codes)

    @torch.no_grad()
    def reconstruct(self, images: Images) -> Images:
        """The image of the code of each image."""
        return self.image_of(self.encode(images))


class VaeMix(LatentMixture):
    """The VAE of `vae`, whose codes are drawn from mixtures over the means of q(z|x) instead of from N(0, I)."""

    Config = VaeMixConfig
    source = "arXiv 1903.12436"

    def __init__(self, config: VaeMixConfig, spec: Spec) -> None:
        super().__init__(config, spec, config.latent_dim)
        self.vae = new_vae(config, spec)
        self.eval()

    def fit(self, data: Data, run: Run) -> None:
        """The VAE, then the mixtures."""
        fit_vae(self.vae, self.config, data, run)
        self.fit_codes(data, run)

    @torch.no_grad()
    def encode(self, images: Images) -> Codes:
        """The mean of q(z|x)."""
        return self.vae.encode(images)[0]

    def image_of(self, codes: Codes) -> Images:
        """m(z)."""
        return self.vae.decode(codes)


class AeGmm(LatentMixture):
    """The autoencoder of `ae-mix`, whose codes are drawn from mixtures instead of between codes of training images."""

    Config = AeGmmConfig
    source = "arXiv 1903.12436"

    def __init__(self, config: AeGmmConfig, spec: Spec) -> None:
        super().__init__(config, spec, config.latent_dim)
        self.encoder, self.decoder = autoencoder(config, spec)
        self.eval()

    def fit(self, data: Data, run: Run) -> None:
        """Pixels, then the mixtures."""
        fit_pixels(self.encoder, self.decoder, self.config, data, run)
        self.fit_codes(data, run)

    @torch.no_grad()
    def encode(self, images: Images) -> Codes:
        """z = E(x)."""
        return self.encoder(images)

    def image_of(self, codes: Codes) -> Images:
        """D(z)."""
        return self.decoder(codes)
