"""Diagonal Gaussians: likelihood with a learned, shared or fixed sigma and a floor, KL to N(0, I), draws, estimates.

All terms are sums, not means, over the elements of an example, so that they can be added to a bound on log p. Scales are
logarithms of the standard deviation, not of the variance.
"""

import math
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from bench.api import Codes, LogWeights

LOG_2PI = math.log(2 * math.pi)
Sharing = Literal["element", "layer", "fixed"]
PerImage = Float[Tensor, "n"]


class LogSigma(nn.Module):
    """log sigma of one layer of shape `shape`: one for each element, one for the layer, or fixed; shared over examples.

    Never below `floor`: an element whose residual is zero would drive it to -inf, and the likelihood to inf. In train
    mode, values below the floor are set to the floor, so that they can increase again.
    """

    value: Tensor

    def __init__(
        self, shape: tuple[int, ...], sharing: Sharing = "element", *, floor: float = -math.inf, start: float = 0.0
    ) -> None:
        super().__init__()
        self.floor = floor
        value = torch.full(shape if sharing == "element" else (1,) * len(shape), max(start, floor))
        if sharing == "fixed":
            self.register_buffer("value", value)
        else:
            self.value = nn.Parameter(value)

    def forward(self) -> Tensor:
        """log sigma, of the shape of the layer or broadcastable to it."""
        if not self.training:
            return self.value.clamp(min=self.floor)
        with torch.no_grad():
            self.value.clamp_(min=self.floor)
        return self.value  # not a clamp of it, whose gradient at the floor is 0


def gaussian_nll(a: Tensor, b: Tensor, log_sigma: Tensor) -> PerImage:
    """-log N(a; b, sigma) of each example: 0.5 sum(log 2pi + 2 log sigma + (a - b)^2 / sigma^2), in float32.

    `log_sigma` has the shape of an example, or broadcasts to it.
    """
    away = (a.float() - b.float()).square() * (-2 * log_sigma).exp()
    scale = log_sigma.sum() * (away[0].numel() / log_sigma.numel())
    return 0.5 * away.flatten(1).sum(1) + scale + 0.5 * LOG_2PI * away[0].numel()


def kl_to_standard(mu: Codes, log_s: Codes) -> PerImage:
    """KL(N(mu, s) || N(0, I)) = 0.5 sum(s^2 + mu^2 - 2 log s - 1), in nats."""
    return kl_of_each(mu, log_s).sum(1)


def kl_of_each(mu: Codes, log_s: Codes) -> Codes:
    """The same for each dimension, (n, d): its sum over dimensions is the whole, since both are diagonal."""
    mu, log_s = mu.float(), log_s.float()
    return 0.5 * ((2 * log_s).exp() + mu.square() - 2 * log_s - 1)


def draw(mu: Codes, log_s: Codes, rng: torch.Generator) -> Codes:
    """mu + s eps, eps ~ N(0, I) from `rng`: differentiable with respect to mu and log s."""
    noise = torch.randn(mu.shape, generator=rng, device=rng.device).to(mu.device)
    return mu.float() + log_s.float().exp() * noise


def log_density(codes: Codes, mu: Codes, log_s: Codes) -> PerImage:
    """log N(codes; mu, s), s for each example."""
    return -0.5 * (((codes - mu) * (-log_s).exp()).square() + 2 * log_s + LOG_2PI).sum(1)


def log_weight(pixels: PerImage, codes: Codes, mu: Codes, log_s: Codes) -> PerImage:
    """log(p(x|z) p(z) / q(z|x)) of draws z of q(z|x) = N(mu, s), for `importance_weighted`; `pixels` is -log p(x|z)."""
    prior = log_density(codes, torch.zeros_like(codes), torch.zeros_like(codes))
    return prior - pixels - log_density(codes, mu, log_s)


def importance_weighted(log_weights: LogWeights) -> PerImage:
    """log(1/K sum_k w_k), w = p(x|z) p(z) / q(z|x) with z from q: below log p(x) in expectation, the less so the more
    draws (arXiv 1509.00519)."""
    return log_weights.logsumexp(0) - math.log(len(log_weights))
