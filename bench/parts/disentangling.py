"""Objectives that make the codes of a `CodeVae` independent of each other, and the training of a VAE with one of them.

beta-VAE (Higgins et al., ICLR 2017; with a capacity, arXiv 1804.03599), FactorVAE (arXiv 1802.05983) and beta-TCVAE
(arXiv 1802.04942). Each loss is R + w (...), where w rises from 0 to 1 over the share `kl_warmup` of the steps.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, Protocol

import torch
from jaxtyping import Float
from torch import Tensor

from bench.api import Data, Images
from bench.errors import BenchError
from bench.parts.code_vae import CodeTerms, CodeVae
from bench.parts.density_ratio import DensityRatio
from bench.parts.gaussian import kl_of_each
from bench.parts.optim import Adam, MuonAdamW, Scheduled, StepCount
from bench.parts.total_correlation import weighted_total_correlation
from bench.training_run import Run, Stateful

CHUNK = 500  # images encoded at once
ACTIVE = 0.3  # nats: a code with a mean KL of more carries information
Named = dict[str, Tensor]
OptimizerName = Literal["adam", "muon"]


class Objective(Protocol):
    """What a `CodeVae` is trained on."""

    @property
    def keep(self) -> Sequence[Stateful]:
        """What it trains beside the VAE, for `keep=`."""

    def loss(self, terms: CodeTerms, step: int, steps: int) -> tuple[Tensor, Named]:
        """The loss at this step of so many (0, 1, ...), mean over the batch, and values to log."""

    def after_step(self, terms: CodeTerms, rng: torch.Generator) -> Named:
        """Trains what is in `keep` on these codes, after the step of the VAE; values to log."""


def risen(step: int, steps: int, share: float) -> float:
    """From 0 at the first step to 1 after this share of the steps, linearly; 1 if the share is 0."""
    return min(1.0, step / (share * steps)) if share > 0 else 1.0


@dataclass(frozen=True)
class BetaObjective:
    """R + w beta KL, or R + w beta |KL - C| if there is a capacity: C rises linearly from 0 to `capacity` nats."""

    beta: float
    capacity: float = 0.0  # nats; 0: no target
    kl_warmup: float = 0.0  # share of the steps
    keep: ClassVar[tuple[Stateful, ...]] = ()

    def target(self, step: int, steps: int) -> float:
        """C in nats."""
        return self.capacity * risen(step, steps, 1.0)

    def loss(self, terms: CodeTerms, step: int, steps: int) -> tuple[Tensor, Named]:
        kl = terms.kl.sum(1).mean()
        if self.capacity:
            kl = (kl - self.target(step, steps)).abs()  # arXiv 1804.03599, equation 8
        weight = risen(step, steps, self.kl_warmup) * self.beta
        return terms.pixels.mean() + weight * kl, {}

    def after_step(self, terms: CodeTerms, rng: torch.Generator) -> Named:
        return {}


class FactorObjective:
    """R + w (KL + gamma TC), TC by the density ratio of a discriminator (arXiv 1802.05983, equation 2).

    The discriminator has `layers` layers of `units` and is trained after each step on the codes of the same batch.
    """

    def __init__(
        self,
        latent_dim: int,
        *,
        gamma: float,
        rng: torch.Generator,  # draws the first weights
        kl_warmup: float = 0.0,  # share of the steps
        units: int = 1_000,
        layers: int = 6,
        lr: float = 1e-4,
    ) -> None:
        self.gamma, self.kl_warmup = gamma, kl_warmup
        self.ratio = DensityRatio(latent_dim, units=units, layers=layers, rng=rng)
        self.optimizer = torch.optim.Adam(self.ratio.parameters(), lr, betas=(0.5, 0.9), fused=True)
        self.keep: Sequence[Stateful] = (self.ratio, self.optimizer)

    def loss(self, terms: CodeTerms, step: int, steps: int) -> tuple[Tensor, Named]:
        self.ratio.requires_grad_(False)  # no gradient to the discriminator, which would want the opposite
        total_correlation = self.ratio.log_ratio(terms.codes).mean()
        penalty = terms.kl.sum(1).mean() + self.gamma * total_correlation
        loss = terms.pixels.mean() + risen(step, steps, self.kl_warmup) * penalty
        return loss, {"total_correlation": total_correlation}

    def after_step(self, terms: CodeTerms, rng: torch.Generator) -> Named:
        self.ratio.requires_grad_(True)
        loss = self.ratio.loss(terms.codes.detach(), rng)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        return {"discriminator": loss}


@dataclass(frozen=True)
class TcObjective:
    """R + w (KL + (beta - 1) TC), TC by minibatch-weighted sampling (arXiv 1802.04942, equation 4 with alpha = gamma = 1).

    The paper's KL is the mean of the same draws; this one is in closed form. At beta = 1 the loss is the plain bound.
    """

    beta: float
    images: int  # of the training set
    kl_warmup: float = 0.0  # share of the steps
    keep: ClassVar[tuple[Stateful, ...]] = ()

    def loss(self, terms: CodeTerms, step: int, steps: int) -> tuple[Tensor, Named]:
        total_correlation = weighted_total_correlation(terms.codes, terms.mu, terms.log_s, self.images)
        penalty = terms.kl.sum(1).mean() + (self.beta - 1) * total_correlation
        loss = terms.pixels.mean() + risen(step, steps, self.kl_warmup) * penalty
        return loss, {"total_correlation": total_correlation}

    def after_step(self, terms: CodeTerms, rng: torch.Generator) -> Named:
        return {}


def train_code_vae(
    vae: CodeVae,
    data: Data,
    run: Run,
    images: int,
    objective: Objective,
    *,
    batch_size: int,
    lr: float,
    optimizer: OptimizerName = "adam",
    warmup: float = 0.05,  # share of the steps
    phase: str = "vae",
) -> None:
    """One phase of `images` training images. Raises `BenchError` for a training set of one image."""
    if len(data) < 2:
        raise BenchError(f"codes of one image say nothing: expected at least 2 training images, got {len(data)}")
    steps, count = run.steps(images, batch_size), StepCount()
    scheduled = optimizer_of(optimizer, vae, lr, steps, warmup, run)
    keep: list[Stateful] = [scheduled, count, *objective.keep]
    for x, _ in run.batches(data, batch_size, images, phase=phase, keep=keep):
        with run.autocast():
            terms = vae(x, run.rng)
        loss, shown = objective.loss(terms, count.done, steps)
        scheduled.step(loss)
        count.done += 1
        shown |= objective.after_step(terms, run.rng)
        run.log(loss=loss, **shown, **summary(terms))


def optimizer_of(name: OptimizerName, vae: CodeVae, lr: float, steps: int, warmup: float, run: Run) -> Scheduled:
    """Adam, or Muon and AdamW; both with a warm-up and a cosine."""
    if name == "adam":
        return Adam(vae, lr, steps, warmup=warmup)
    return MuonAdamW(vae, lr, steps, precision=run.precision, warmup=warmup)


def summary(terms: CodeTerms) -> Named:
    """R, KL and how many codes are active, of one batch."""
    kl = terms.kl.detach().mean(0)
    return {"pixels": terms.pixels.mean(), "kl": kl.sum(), "active": (kl > ACTIVE).sum()}


@torch.no_grad()
def kl_of_codes(vae: CodeVae, images: Images) -> Float[Tensor, "d"]:
    """The mean over images of the KL of each code in nats, (d,). A code with next to none carries no information."""
    parts = [kl_of_each(*vae.encode(chunk)).sum(0) for chunk in images.split(CHUNK)]
    return torch.stack(parts).sum(0) / len(images)
