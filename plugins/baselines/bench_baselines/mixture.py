"""A mixture of Gaussians with full covariances for each class: fitted to codes, drawn from, and its density."""

import math

import torch
from torch import Tensor, nn

from bench import Codes, Labels


class Mixture(nn.Module):
    """`size` Gaussians in `dim` dimensions for each of `classes` classes."""

    weights: Tensor  # (k, m)
    means: Tensor  # (k, m, d)
    factors: Tensor  # (k, m, d, d), lower triangular: covariance = factor factor'

    def __init__(self, classes: int, size: int, dim: int) -> None:
        super().__init__()
        self.register_buffer("weights", torch.full((classes, size), 1 / size))
        self.register_buffer("means", torch.zeros(classes, size, dim))
        self.register_buffer("factors", torch.eye(dim).repeat(classes, size, 1, 1))

    @torch.no_grad()
    def fit(self, label: int, codes: Codes, iterations: int, prior: float, floor: float, rng: torch.Generator) -> None:
        """Expectation-maximisation (README, equations 5 to 8) from the clusters of k-means++, in float64.

        `prior` is how many codes' worth of the covariance of the class each Gaussian starts with, `floor` is added
        to all variances. Deterministic given `rng`.
        """
        size, codes = self.weights.shape[1], codes.double()
        own = _covariance(codes)
        nearest = torch.cdist(codes, _spread_members(codes, size, rng)).argmin(1)
        responsibilities = torch.nn.functional.one_hot(nearest, size).to(codes)
        for _ in range(iterations):
            self._maximise(label, codes, responsibilities, prior, own, floor)
            responsibilities = self._joint(label, codes).softmax(1)  # (5)
        self._maximise(label, codes, responsibilities, prior, own, floor)

    def _maximise(
        self, label: int, codes: Codes, responsibilities: Tensor, prior: float, own: Tensor, floor: float
    ) -> None:
        counts = responsibilities.sum(0)  # (m,)
        self.weights[label] = (counts + 1) / (counts + 1).sum()  # (6)
        self.means[label] = (responsibilities.T @ codes + codes.mean(0)) / (counts + 1).unsqueeze(1)  # (7)
        for m, count in enumerate(counts):
            centred = codes - self.means[label, m].to(codes)
            scatter = (centred * responsibilities[:, m].unsqueeze(1)).T @ centred
            covariance = (scatter + prior * own) / (count + prior)  # (8)
            covariance.diagonal().add_(floor)
            self.factors[label, m] = torch.linalg.cholesky(covariance)

    def _joint(self, label: int, codes: Codes) -> Tensor:
        """log w_m + log N(z; mean_m, covariance_m), (n, m)."""
        factors, means = self.factors[label].to(codes), self.means[label].to(codes)
        offsets = codes.unsqueeze(0) - means.unsqueeze(1)  # (m, n, d)
        whitened = torch.linalg.solve_triangular(factors, offsets.mT, upper=False)
        squares = whitened.square().sum(1).T
        log_volumes = factors.diagonal(dim1=1, dim2=2).log().sum(1)
        constant = 0.5 * codes.shape[1] * math.log(2 * math.pi)
        return self.weights[label].to(codes).log() - log_volumes - constant - 0.5 * squares

    def log_densities(self, codes: Codes) -> Tensor:
        """log p(z | c), (n, k)."""
        return torch.stack([self._joint(label, codes).logsumexp(1) for label in range(len(self.weights))], 1)

    def draw(self, labels: Labels, rng: torch.Generator) -> Codes:
        """One code for each label."""
        labels = labels.to(rng.device)
        index = torch.multinomial(self.weights.to(rng.device)[labels], 1, generator=rng).squeeze(1)
        noise = torch.randn(len(labels), self.means.shape[2], generator=rng, device=rng.device).to(self.means)
        labels, index = labels.to(self.means.device), index.to(self.means.device)
        return self.means[labels, index] + torch.einsum("nij,nj->ni", self.factors[labels, index], noise)


def _covariance(codes: Codes) -> Tensor:
    centred = codes - codes.mean(0)
    return centred.T @ centred / len(codes)


def _spread_members(codes: Codes, count: int, rng: torch.Generator) -> Codes:
    """`count` members far from each other (k-means++, Arthur and Vassilvitskii 2007); again and again the same if few."""
    chosen = [codes[torch.randint(len(codes), (1,), generator=rng, device=rng.device).to(codes.device)]]
    distance = torch.cdist(codes, chosen[0]).square().squeeze(1)
    for _ in range(count - 1):
        weights = (distance + 1e-12).to(rng.device)
        pick = torch.multinomial(weights, 1, generator=rng).to(codes.device)
        chosen.append(codes[pick])
        distance = torch.minimum(distance, torch.cdist(codes, codes[pick]).square().squeeze(1))
    return torch.cat(chosen)
