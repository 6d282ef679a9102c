"""One Gaussian per class over the principal components of all images, both learnt from a stream of batches."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from bench import Codes, Data, Generator, Images, Labels, Logits, Run, Spec


@dataclass(frozen=True)
class GaussianConfig:
    """All settings with their defaults; `--set gaussian.components=32` changes one."""

    components: int = 64  # principal components kept, at most one per pixel
    shrinkage: float = 0.02  # of each class covariance towards a ball of the same total variance
    batch_size: int = 256

    def __post_init__(self) -> None:
        if self.components < 1 or not 0 < self.shrinkage <= 1:
            raise ValueError("components must be at least 1, shrinkage above 0 and at most 1")


class Gaussian(Generator):
    """All state that changes during training is in buffers, whose shapes follow from the settings and the spec."""

    Config = GaussianConfig
    source = "Ross et al., Incremental Learning for Robust Visual Tracking, IJCV 77 (2008)"
    mean: Tensor
    basis: Tensor
    singular: Tensor
    seen: Tensor
    counts: Tensor
    sums: Tensor
    products: Tensor

    def __init__(self, config: GaussianConfig, spec: Spec) -> None:
        super().__init__(config, spec)
        pixels, classes = spec.channels * spec.size**2, len(spec.classes)
        kept = min(config.components, pixels)
        self.register_buffer("mean", torch.zeros(pixels))
        self.register_buffer("basis", torch.zeros(kept, pixels))  # orthonormal rows
        self.register_buffer("singular", torch.zeros(kept))
        self.register_buffer("seen", torch.zeros(()))
        self.register_buffer("counts", torch.zeros(classes, dtype=torch.float64))
        self.register_buffer("sums", torch.zeros(classes, kept, dtype=torch.float64))
        self.register_buffer("products", torch.zeros(classes, kept, kept, dtype=torch.float64))

    @torch.no_grad()
    def fit(self, data: Data, run: Run) -> None:
        """Half of the budget for the components, the rest for the moments of each class."""
        for images, _ in run.batches(data, self.config.batch_size, run.share(0.5), phase="components"):
            self._add_to_components(images.flatten(1))
            run.log(loss=self._error(images))
        for images, labels in run.batches(data, self.config.batch_size, run.left, phase="moments"):
            self._add_to_moments(self.encode(images).double(), labels)
            run.log(loss=self._error(images))

    def sample(self, n: int, rng: torch.Generator) -> Images:
        """Draw labels with their frequencies in training, then an image for each."""
        labels = torch.multinomial(self.counts, n, replacement=True, generator=rng)
        return self.sample_class(labels, rng)

    def sample_class(self, labels: Labels, rng: torch.Generator) -> Images:
        means, roots = self._moments()
        noise = torch.randn(len(labels), self.sums.shape[1], 1, generator=rng, device=labels.device).double()
        return self._decode((means[labels] + (roots[labels] @ noise).squeeze(2)).float())

    def encode(self, images: Images) -> Codes:
        """Coefficients of the principal components (n, components)."""
        return (images.flatten(1) - self.mean) @ self.basis.T

    def reconstruct(self, images: Images) -> Images:
        """The nearest image in the span of the components."""
        return self._decode(self.encode(images))

    def logits(self, images: Images) -> Logits:
        """log p(code, class), shape (n, classes)."""
        means, roots = self._moments()
        away = self.encode(images).double() - means[:, None]  # (classes, n, components)
        whitened = torch.linalg.solve_triangular(roots, away.mT, upper=False)
        log_volume = roots.diagonal(dim1=1, dim2=2).log().sum(1)
        prior = (self.counts / self.counts.sum()).clamp(min=1e-12).log()
        return (prior - log_volume - whitened.square().sum(1).T / 2).float()

    def _decode(self, codes: Codes) -> Images:
        return (codes @ self.basis + self.mean).clamp(0, 1).unflatten(1, self.spec.shape)

    def _error(self, images: Images) -> Tensor:
        return (self.reconstruct(images) - images).square().mean()

    def _add_to_components(self, rows: Tensor) -> None:
        """Ross et al., figure 1: the singular value decomposition of all rows so far and these (n, pixels)."""
        n, m, centre = self.seen, len(rows), rows.mean(0)
        shift = (n * m / (n + m)).sqrt() * (self.mean - centre)  # step 2
        stack = torch.cat([self.singular[:, None] * self.basis, rows - centre, shift[None]])
        _, singular, basis = torch.linalg.svd(stack, full_matrices=False)  # step 4
        self.basis.copy_(basis[: len(self.basis)])
        self.singular.copy_(singular[: len(self.basis)])
        self.mean.copy_((n * self.mean + m * centre) / (n + m))  # step 1
        self.seen += m

    def _add_to_moments(self, codes: Tensor, labels: Labels) -> None:
        member = one_hot(labels, len(self.counts)).double()
        self.counts += member.sum(0)
        self.sums += member.T @ codes
        self.products += torch.einsum("nk,ni,nj->kij", member, codes, codes)

    def _moments(self) -> tuple[Tensor, Tensor]:
        """Means (classes, components) and Cholesky factors of the shrunk covariances."""
        counts = self.counts.clamp(min=1)
        means = self.sums / counts[:, None]
        covariances = self.products / counts[:, None, None] - means[:, :, None] * means[:, None, :]
        ball = torch.eye(means.shape[1], dtype=means.dtype, device=means.device)
        size = covariances.diagonal(dim1=1, dim2=2).mean(1).clamp(min=1e-6)[:, None, None]
        shrunk = (1 - self.config.shrinkage) * covariances + self.config.shrinkage * size * ball
        return means, torch.linalg.cholesky(shrunk)
