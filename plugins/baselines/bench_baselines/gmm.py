"""Gaussian mixtures of each class on principal components: the density model that images were given before networks.

Principal components and noise as in Tipping and Bishop (1999), mixtures by expectation-maximisation (Dempster, Laird
and Rubin 1977) with the conjugate prior of Gauvain and Lee (1994). README, section 5.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from bench import BenchError, Codes, Data, Generator, Images, Labels, Logits, LogWeights, Run, Spec
from bench_baselines.mixture import Mixture
from bench_baselines.stream import LEAST, Components, Store


@dataclass(frozen=True)
class GmmConfig:
    """What can be set, and every default."""

    components: int = 96  # principal components, at most as many as an image has values
    mixture: int = 10  # Gaussians of each class
    pca_share: float = 0.3  # of the budget, to learn the components; one pass over the training set at most
    batch_size: int = 32  # images between two updates of the components
    most: int = 100_000  # images whose codes the mixtures are fitted to
    iterations: int = 15  # of expectation-maximisation
    prior_images: float = 20.0  # images' worth of the covariance of the class, that of a Gaussian is drawn to

    def __post_init__(self) -> None:
        """Raises ValueError for invalid settings."""
        for name in ("components", "mixture", "batch_size", "most", "iterations"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}: expected at least 1, got {getattr(self, name)}")
        if not 0 < self.pca_share < 1:
            raise ValueError(f"pca_share: expected a value between 0 and 1, got {self.pca_share}")
        if self.prior_images <= 0:
            raise ValueError(f"prior_images: expected a positive value, got {self.prior_images}")


class Gmm(Generator):
    """x = mean + basis z + noise, z of class c drawn from a mixture of Gaussians; images are shown without the noise."""

    Config = GmmConfig
    source = "Tipping and Bishop 1999, doi 10.1111/1467-9868.00196"
    paper_epochs = 2

    class_share: Tensor  # (k,), of the training set
    mean: Tensor  # (D,), D values of an image
    basis: Tensor  # (d, D), orthonormal rows
    noise: Tensor  # (), the variance of each direction that the basis leaves out

    def __init__(self, config: GmmConfig, spec: Spec) -> None:
        super().__init__(config, spec)
        k, values = len(spec.classes), math.prod(spec.shape)
        self.dim = min(config.components, values)
        self.register_buffer("class_share", torch.full((k,), 1 / k))
        self.register_buffer("mean", torch.zeros(values))
        self.register_buffer("basis", torch.eye(self.dim, values))
        self.register_buffer("noise", torch.ones(()))
        self.mixture = Mixture(k, config.mixture, self.dim)

    def fit(self, data: Data, run: Run) -> None:
        """Components of the first images, then the codes of others, then a mixture for each class."""
        self._check_counts(data)
        self.fit_components(data, run)
        codes, labels = self.collect_codes(data, run)
        self.class_share.copy_(torch.bincount(data.labels, minlength=len(self.spec.classes)) / len(data))
        for label in range(len(self.spec.classes)):
            members = codes[labels == label]
            if not len(members):  # so rare that none came by
                members = codes
            self.mixture.fit(label, members, self.config.iterations, self.config.prior_images, LEAST, run.rng)

    def fit_components(self, data: Data, run: Run) -> None:
        """Mean and principal components, in one pass; the noise is the mean variance of what they leave out."""
        size = self.config.batch_size
        images = min(run.share(self.config.pca_share), len(data))
        components = Components(self.dim, self.mean.numel(), run.device)
        for x, _ in run.batches(data, size, images, phase="components", keep=[components]):
            components.update(x.flatten(1))
            run.log(loss=components.noise())
        self.mean.copy_(components.mean)
        self.basis.copy_(components.basis)
        self.noise.copy_(components.noise())

    def collect_codes(self, data: Data, run: Run) -> tuple[Codes, Labels]:
        """Codes (n, d) and labels of images of one pass, of as many as the budget has left."""
        size = self.config.batch_size
        images = min(run.left, len(data), self.config.most)
        store = Store(run.steps(images, size) * size, self.dim, run.device)
        for x, y in run.batches(data, size, images, phase="codes", keep=[store]):
            codes = self.encode(x)
            store.add(codes, y)
            run.log(loss=(self._pixels(codes) - x.flatten(1)).square().mean())
        return store.codes, store.labels

    def _check_counts(self, data: Data) -> None:
        counts = torch.bincount(data.labels, minlength=len(self.spec.classes))
        for name, count in zip(self.spec.classes, counts.tolist(), strict=True):
            if not count:
                raise BenchError(f"class {name!r}: expected at least one training image, got none")

    # Capabilities

    @torch.no_grad()
    def sample(self, n: int, rng: torch.Generator) -> Images:
        """Classes are drawn as often as they are in the training set."""
        return self.decode(self.draw_codes(n, rng), rng)

    @torch.no_grad()
    def sample_class(self, labels: Labels, rng: torch.Generator) -> Images:
        """The image of a draw from the mixture of each label."""
        return self.decode(self.mixture.draw(labels, rng), rng)

    @torch.no_grad()
    def draw_codes(self, n: int, rng: torch.Generator) -> Codes:
        labels = torch.multinomial(self.class_share.to(rng.device), n, replacement=True, generator=rng)
        return self.mixture.draw(labels, rng)

    @torch.no_grad()
    def decode(self, codes: Codes, rng: torch.Generator) -> Images:
        """mean + basis z, cut to [0, 1]; nothing is drawn."""
        return self._pixels(codes).clamp(0, 1).view(-1, *self.spec.shape)

    @torch.no_grad()
    def encode(self, images: Images) -> Codes:
        """z = basis (x - mean)."""
        return (images.flatten(1) - self.mean) @ self.basis.T

    @torch.no_grad()
    def reconstruct(self, images: Images) -> Images:
        """The nearest image to x in the space of the components, cut to [0, 1]."""
        return self._pixels(self.encode(images)).clamp(0, 1).view_as(images)

    @torch.no_grad()
    def logits(self, images: Images) -> Logits:
        """log p(z | c) + log p(c): Bayes' rule; what the components leave out is the same for all classes."""
        return self.mixture.log_densities(self.encode(images)) + self.class_share.log()

    @torch.no_grad()
    def log_density(self, images: Images) -> Tensor:
        """log p(x) in nats, (n,), of images in [0, 1]: that of the code and that of the rest, which is only noise."""
        codes = self.encode(images)
        rest = (images.flatten(1) - self._pixels(codes)).square().sum(1)
        left_out = self.mean.numel() - self.dim
        noise = -0.5 * (left_out * (2 * math.pi * self.noise).log() + rest / self.noise)
        return (self.mixture.log_densities(codes) + self.class_share.log()).logsumexp(1) + noise

    @torch.no_grad()
    def log_weights(self, images: Images, draws: int, rng: torch.Generator) -> LogWeights:
        """log p(x), which is known exactly, `draws` times; nothing is drawn."""
        return self.log_density(images).expand(draws, -1)

    def _pixels(self, codes: Codes) -> Tensor:
        return self.mean + codes @ self.basis
