"""The target density of a chain (README, section 3): the mixed logits of a classifier, the Gram term, the soft box."""

from collections.abc import Callable
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from bench import Logits
from bench_stic.gram import Reference
from bench_stic.networks import Answer

Weights = Float[Tensor, "n k"]  # lambda: rows on the simplex


def mixed_logits(logits: Logits, weights: Weights) -> Float[Tensor, "n"]:
    """f_lambda(x) = sum_k lambda_k f_k(x) (E1); logits beyond the number of weights are ignored."""
    return (weights * logits[:, : weights.shape[1]]).sum(1)


def box(x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n"]:
    """P(x) = sum_i max(|x_i| - 1, 0)^2."""
    return (x.abs() - 1).clamp(min=0).square().flatten(1).sum(1)


@dataclass(frozen=True)
class Density:
    """log pi_lambda(x) = (f_lambda(x) - gamma R(x; ref) - kappa P(x)) / T + const (E3), x on [-1, 1].

    `reference` is fixed as long as this object lives: recomputed between the two sides of a ratio it would break
    detailed balance.
    """

    net: Callable[[Tensor], Answer]
    weights: Weights
    temperature: float
    gamma: float = 0.0
    reference: Reference | None = None  # of the Gram term, if it has a weight
    kappa: float = 0.0
    logprob: bool = False  # climb log softmax instead of logits

    def __call__(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n"]:
        logits, maps = self.net(x)
        energy = mixed_logits(logits.log_softmax(1) if self.logprob else logits, self.weights)
        if self.reference is not None:
            energy = energy - self.gamma * self.reference.distance(maps)
        if self.kappa:
            energy = energy - self.kappa * box(x)
        return energy / self.temperature
