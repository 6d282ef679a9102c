"""What a step of a chain costs: run with `pytest tests/benchmarks --benchmark-only`. Nothing here is asserted in time."""

import time
from statistics import median

import pytest
import torch
from torch import Tensor

from bench.api import Spec
from bench_stic import Stic, SticConfig
from bench_stic.grmala import run_chains

CHAINS, STEPS, ROUNDS = 64, 20, 3


@pytest.fixture
def density():
    """That of the default settings for colour images of 32 pixels, without the Gram term."""
    torch.manual_seed(0)
    model = Stic(SticConfig(gamma=0.0, store_size=100), Spec("speed", 3, 32, tuple("abcdefgh")))
    model.to(memory_format=torch.channels_last)
    weights = torch.eye(8)[torch.arange(CHAINS) % 8]
    return model._density(weights, torch.zeros(CHAINS, dtype=torch.int64), 0.0)


def seconds(work, density) -> float:
    x = torch.rand(CHAINS, 3, 32, 32).contiguous(memory_format=torch.channels_last)
    started = time.process_time()
    work(density, x, torch.Generator().manual_seed(0))
    return time.process_time() - started


def chains(density, x: Tensor, rng: torch.Generator) -> None:
    run_chains(density, x, STEPS, 0.015, rng)


def bare(density, x: Tensor, rng: torch.Generator) -> None:
    """As many passes forward and back, and nothing else."""
    for _ in range(STEPS):
        x = x.detach().requires_grad_()
        torch.autograd.grad(density(x).sum(), x)


def plain(density, x: Tensor, rng: torch.Generator) -> None:
    """The sampler as it is written down: energy and gradient anew for both ends of every ratio."""
    sigma = 0.015

    def look(x: Tensor) -> tuple[Tensor, Tensor]:
        x = x.detach().requires_grad_()
        log_pi = density(x)
        return log_pi.detach(), torch.autograd.grad(log_pi.sum(), x)[0]

    for _ in range(STEPS):
        log_pi, gradient = look(x)
        mean = x + sigma**2 / 2 * gradient
        proposed = mean + sigma * torch.randn(x.shape, generator=rng)
        log_pi_there, gradient_there = look(proposed)
        back = proposed + sigma**2 / 2 * gradient_there
        squares = (proposed - mean).square().flatten(1).sum(1) - (x - back).square().flatten(1).sum(1)
        log_r = log_pi_there - log_pi + squares / (2 * sigma**2)
        accepted = torch.rand(len(x), generator=rng).log() < log_r
        x = torch.where(accepted.view(-1, 1, 1, 1), proposed, x)


def test_chain_steps(benchmark, density):
    """Targets: `extra_info.of_bare` at least 0.9, `extra_info.of_plain` at least 1.5 (CPU seconds, interleaved, medians)."""
    works = chains, bare, plain
    for work in works:
        seconds(work, density)
    rows = [[seconds(work, density) for work in works] for _ in range(ROUNDS)]
    ours, theirs, slow = (median(column) for column in zip(*rows, strict=True))
    benchmark.extra_info["chain_steps_per_cpu_second"] = CHAINS * STEPS / ours
    benchmark.extra_info["of_bare"] = theirs / ours
    benchmark.extra_info["of_plain"] = slow / ours
    benchmark.pedantic(seconds, (chains, density), rounds=1)
