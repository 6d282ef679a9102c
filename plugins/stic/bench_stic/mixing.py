"""Mixup of real images (arXiv 1710.09412) and the class weights of soft fakes."""

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import one_hot

from bench import Labels
from bench_stic.store import Canvas


def draw_beta(n: int, alpha: float, rng: torch.Generator) -> Float[Tensor, "n"]:
    """Beta(alpha, alpha): uniform for alpha = 1."""
    if alpha == 1:
        return torch.rand(n, generator=rng, device=rng.device)
    one, other = torch._standard_gamma(torch.full((2, n), alpha, device=rng.device), generator=rng)
    return one / (one + other).clamp(min=1e-12)


def mixup(
    images: Canvas, labels: Labels, classes: int, alpha: float, rng: torch.Generator,
    other: Int[Tensor, "n"] | None = None,
) -> tuple[Canvas, Float[Tensor, "n k"]]:  # fmt: skip
    """x_m = b x_i + (1 - b) x_j and y_m likewise, with one b ~ Beta(alpha, alpha) for the batch.

    j = other[i], by default a random permutation.
    """
    b = draw_beta(1, alpha, rng)
    if other is None:
        other = torch.randperm(len(images), generator=rng, device=rng.device)
    weights = one_hot(labels, classes).float()
    return b * images + (1 - b) * images[other], b * weights + (1 - b) * weights[other]


def draw_pairs(n: int, classes: int, rng: torch.Generator) -> tuple[Int[Tensor, "n"], Int[Tensor, "n"]]:
    """Two different classes for each of n soft fakes; the same twice if there is only one class."""
    first = torch.randint(classes, (n,), generator=rng, device=rng.device)
    step = torch.randint(1, max(2, classes), (n,), generator=rng, device=rng.device)
    return first, (first + step) % classes


def pair_weights(first: Int[Tensor, "n"], second: Int[Tensor, "n"], classes: int, rng: torch.Generator) -> Tensor:
    """lambda_a = b, lambda_b = 1 - b, b ~ Beta(1, 1): (n, k)."""
    b = draw_beta(len(first), 1.0, rng).unsqueeze(1)
    return b * one_hot(first, classes) + (1 - b) * one_hot(second, classes)
