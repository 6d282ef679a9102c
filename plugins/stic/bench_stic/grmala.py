"""GRMALA: a Metropolis-adjusted Langevin sampler over any differentiable log-density, a batch of chains at a time.

After STIC (arXiv 2103.14212; README, section 4): proposals along the gradient, a test for each chain by itself, an
un-corrected warm-up outside of the chain, and a diagonal preconditioner that stays in the ratio. The density brings
the Gram term; nothing here knows of images or classifiers, and any floating-point type will do.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

States = Float[Tensor, "n ..."]
PerChain = Float[Tensor, "n"]
LogDensity = Callable[[States], PerChain]  # row i may depend on state i alone, or the ratio means nothing


@dataclass(frozen=True)
class Points:
    """Where the chains are, with what was computed there: log pi (n,) and its gradient (n, ...)."""

    x: States
    log_pi: PerChain
    gradient: States


@dataclass(frozen=True)
class Chains:
    """Where the chains ended, and for each how many of its steps were tested and how many of these were accepted."""

    x: States
    log_pi: PerChain
    gradient: States  # of log pi
    accepted: PerChain
    tested: PerChain

    @property
    def acceptance(self) -> PerChain:
        """The share of tested steps that were accepted; not a number where none was tested."""
        return self.accepted / self.tested


def temperature(sigma: float, eps: float) -> float:
    """T = sigma^2 / (2 eps): a drift of eps times the energy's gradient under noise sigma samples exp(energy / T)."""
    return sigma**2 / (2 * eps)


def look(log_density: LogDensity, x: States) -> Points:
    """One forward and one backward pass."""
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        log_pi = log_density(x)
        (gradient,) = torch.autograd.grad(log_pi.sum(), x)
    return Points(x.detach(), log_pi.detach(), gradient)


def drift(at: Points, sigma: float, scale: Tensor | None = None) -> States:
    """m(x) = x + (sigma^2 / 2) M grad log pi(x), the mean of the proposal; M = diag(scale), 1 without a preconditioner."""
    return torch.add(at.x, _times(scale, at.gradient), alpha=sigma**2 / 2)


def propose(at: Points, sigma: float, rng: torch.Generator, scale: Tensor | None = None) -> States:
    """x' = m(x) + sigma M^(1/2) xi, with xi ~ N(0, I)."""
    noise = torch.empty_like(at.x)  # dense, in the memory layout of x: adding across layouts is slow
    noise.as_strided((noise.numel(),), (1,)).normal_(generator=rng)
    return drift(at, sigma, scale).add_(_times(None if scale is None else scale.sqrt(), noise), alpha=sigma)


def log_ratio(old: Points, new: Points, sigma: float, scale: Tensor | None = None) -> PerChain:
    """log r = log pi(x') - log pi(x) + log q(x | x') - log q(x' | x), for q = N(m, sigma^2 M).

    With d = x' - x the squares of |x' - m|^2 - |x - m'|^2 that cancel are left out, and with them M^(-1):
    log q(x | x') - log q(x' | x) = -(g + g') (d - (sigma^2 / 4) M (g - g')) / 2.
    """
    moved = torch.sub(new.x, old.x)
    moved = moved.sub_(_times(scale, old.gradient - new.gradient), alpha=sigma**2 / 4)
    product = (old.gradient + new.gradient).mul_(moved)
    return new.log_pi - old.log_pi - product.sum(tuple(range(1, product.ndim))) / 2


def _times(scale: Tensor | None, x: Tensor) -> Tensor:
    return x if scale is None else scale * x


def accept(log_r: PerChain, rng: torch.Generator) -> Bool[Tensor, "n"]:
    """True with probability min(1, r), for each chain by itself; never where r is not a number."""
    uniform = torch.rand(log_r.shape, generator=rng, device=log_r.device, dtype=log_r.dtype)
    return uniform.log() < log_r


def run_chains(
    log_density: LogDensity,
    x: States,
    steps: int,
    sigma: float,
    rng: torch.Generator,
    *,
    mh: bool = True,
    warmup: int | Int[Tensor, "n"] = 0,
    scale: Tensor | None = None,
) -> Chains:
    """Advance each chain by `steps` steps of noise `sigma` (in the units of x) from x (n, ...).

    The first `warmup` steps (of each chain, if a tensor) move without a test and count for no statistic; with
    `mh=False` all do, which is the sampler of the official release. `scale` (broadcast over x) is the diagonal
    of the preconditioner, fixed for the whole call. One forward and one backward pass a step, and one to begin.
    """
    here = look(log_density, x)
    accepted, tested = torch.zeros_like(here.log_pi), torch.zeros_like(here.log_pi)
    free = (
        torch.as_tensor(warmup, device=x.device).expand(len(x)) if mh else torch.full((len(x),), steps, device=x.device)
    )
    for step in range(steps):
        there = look(log_density, propose(here, sigma, rng, scale))
        in_chain = step >= free
        passed = accept(log_ratio(here, there, sigma, scale), rng)
        accepted += passed & in_chain
        tested += in_chain
        here = _choose(passed | ~in_chain, there, here)
    return Chains(here.x, here.log_pi, here.gradient, accepted, tested)


def _choose(first: Bool[Tensor, "n"], one: Points, other: Points) -> Points:
    """For each chain the one point or the other."""
    rows = first.view(-1, *[1] * (one.x.ndim - 1))
    return Points(
        torch.where(rows, one.x, other.x),
        torch.where(first, one.log_pi, other.log_pi),
        torch.where(rows, one.gradient, other.gradient),
    )
