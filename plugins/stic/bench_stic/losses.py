"""The terms of the loss (README, section 3). Fakes come detached; all terms are taken in float32."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from bench import Logits
from bench_stic.energy import Weights, mixed_logits


@dataclass(frozen=True)
class Side:
    """Logits (n, outputs) of some images with the class weights (n, k) that they stand for."""

    logits: Logits
    weights: Weights

    def at(self, rows: Int[Tensor, "m"]) -> "Side":
        """These rows of it."""
        return Side(self.logits[rows], self.weights[rows])

    def energy(self) -> Float[Tensor, "n"]:
        """f_lambda."""
        return mixed_logits(self.logits, self.weights)

    def cross_entropy(self) -> Tensor:
        """- E sum_k lambda_k log softmax(f)_k: L_real for one-hot rows, L_mix for mixed ones."""
        return -mixed_logits(self.logits.log_softmax(1), self.weights).mean()


def contrast(fake: Side, real: Side) -> Tensor:
    """E f_lambda(x-) - E f_lambda(x+): L_hard and L_soft as the official release has them."""
    return fake.energy().mean() - real.energy().mean()


def margin(fake: Side, real: Side, m: float) -> Tensor:
    """softplus(f_lambda(x-) - f_lambda(x+) + m), a bounded contrast, over pairs in the order they come."""
    return F.softplus(fake.energy() - real.energy() + m).mean()


def k_plus_1(fake: Side) -> Tensor:
    """Cross-entropy of fakes to the class behind the last."""
    last = fake.logits.shape[1] - 1
    return F.cross_entropy(fake.logits, torch.full((len(fake.logits),), last, device=fake.logits.device))


def logit_size(fake: Side, real: Side) -> Tensor:
    """L_reg = E f_lambda(x+)^2 + E f_lambda(x-)^2."""
    return real.energy().square().mean() + fake.energy().square().mean()


def join(one: Side, other: Side) -> Side:
    """Both, one behind the other."""
    return Side(torch.cat([one.logits, other.logits]), torch.cat([one.weights, other.weights]))
