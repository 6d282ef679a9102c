"""What a step of `mi-control` costs: run with `pytest tests/benchmarks --benchmark-only`. Nothing here is asserted in time.

Everything runs on one thread, with the default settings at 32 pixels.
"""

import math
import time
from collections.abc import Callable
from dataclasses import replace
from statistics import median

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from bench.api import Data, Spec, to_float
from bench.experiment.device import find_device
from bench.training_run import Precision, Run
from bench_mi_control import MiControl, MiControlConfig

SPEC = Spec("speed", 3, 32, tuple("abcdefgh"))
CONFIG = MiControlConfig()
LAZY = CONFIG.r1_every
STEPS, ROUNDS = 4, 3
JOB = find_device("cpu", 1).precision  # bfloat16 where it is quick
Work = Callable[[], object]


@pytest.fixture(autouse=True)
def _one_thread():
    """As a job has it."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def data() -> Data:
    rng = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (STEPS * CONFIG.batch_size, *SPEC.shape), generator=rng, dtype=torch.uint8)
    return Data(SPEC, images, torch.zeros(len(images), dtype=torch.int64))


def medians(*works: Work) -> list[float]:
    """CPU seconds of each, interleaved, after one round that does not count."""
    rows = [[_cpu_seconds(work) for work in works] for _ in range(ROUNDS + 1)]
    return [median(column) for column in zip(*rows[1:], strict=True)]


def _cpu_seconds(work: Work) -> float:
    torch.manual_seed(0)
    started = time.process_time()
    work()
    return time.process_time() - started


def ours(data: Data, config: MiControlConfig, precision: Precision = "float32") -> None:
    model = MiControl(config, data.spec).to(memory_format=torch.channels_last)
    model.fit(data, Run(model, images=len(data), precision=precision))


def plain(data: Data, config: MiControlConfig) -> None:
    """The plainest loop over the same networks: a loader, two passes of D, Adam as it comes, an average of weights."""
    model = MiControl(config, data.spec).train()
    g, d, q = model.generator, model.discriminator, model.posterior
    average = [it.detach().clone() for it in g.parameters()]
    of_g = torch.optim.Adam(g.parameters(), config.lr, betas=(0.0, 0.99))
    of_d = torch.optim.Adam([*d.parameters(), *q.parameters()], config.lr, betas=(0.0, 0.99))
    images = torch.utils.data.TensorDataset(to_float(data.images))
    for (x,) in torch.utils.data.DataLoader(images, batch_size=config.batch_size, shuffle=True, drop_last=True):
        real = (2 * (x + (torch.rand_like(x) - 0.5) / 256) - 1).requires_grad_(config.r1 > 0)
        c = model.draw_codes(len(x), torch.default_generator)
        fakes = g.draw(c, torch.default_generator).detach()
        of_d.zero_grad()
        features, of_real = d.features(fakes), d(real)
        loss = F.softplus(-of_real).mean() + F.softplus(d.head(features)).mean() + _plain_information(q, features, c)
        if config.r1:
            (gradient,) = torch.autograd.grad(of_real.sum(), real, create_graph=True)
            loss = loss + config.r1 * gradient.square().sum((1, 2, 3)).mean()
        loss.backward()
        of_d.step()
        of_g.zero_grad()
        features = d.features(g.draw(c, torch.default_generator))
        (F.softplus(-d.head(features)).mean() + _plain_information(q, features, c)).backward()
        of_g.step()
        with torch.no_grad():
            for mean, value in zip(average, g.parameters(), strict=True):
                mean.copy_(config.ema * mean + (1 - config.ema) * value)


def _plain_information(q: torch.nn.Module, features: Tensor, c: Tensor) -> Tensor:
    means, log_std = q(features)
    return (0.5 * ((c - means) / log_std.exp()) ** 2 + log_std + 0.5 * math.log(2 * math.pi)).sum(1).mean()


def test_a_step_of_both_players(benchmark, data):
    """Targets: `of_plain_loop` at least 1, in float32 and with R1 in one of 16 steps in both; `of_each_step` above 1.

    `of_each_step`: images per second with R1 in one of 16 steps over those with R1 in each, as a job runs.
    """
    with_r1, without = replace(CONFIG, r1_every=1), replace(CONFIG, r1=0.0)
    mine, mine_without, theirs, theirs_without, job, job_without = medians(
        lambda: ours(data, with_r1), lambda: ours(data, without),
        lambda: plain(data, with_r1), lambda: plain(data, without),
        lambda: ours(data, with_r1, JOB), lambda: ours(data, without, JOB),
    )  # fmt: skip
    benchmark.extra_info["images_per_cpu_second"] = len(data) / _lazy(job, job_without)
    benchmark.extra_info["of_plain_loop"] = _lazy(theirs, theirs_without) / _lazy(mine, mine_without)
    benchmark.extra_info["of_plain_loop_with_r1_in_each_step"] = theirs / mine
    benchmark.extra_info["of_plain_loop_as_a_job"] = _lazy(theirs, theirs_without) / _lazy(job, job_without)
    benchmark.extra_info["of_each_step"] = job / _lazy(job, job_without)
    benchmark.pedantic(ours, (data, without, JOB), rounds=1)


def _lazy(with_r1: float, without: float) -> float:
    """The mean over steps if only every 16th has R1."""
    return (with_r1 + (LAZY - 1) * without) / LAZY
