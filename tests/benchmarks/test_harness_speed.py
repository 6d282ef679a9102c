"""What the harness costs: run with `pytest tests/benchmarks --benchmark-only`. Nothing here is asserted in time."""

import os
import resource
import subprocess
import sys
import time

import pytest
import torch
from torch import nn

from bench.api import Data, Spec, to_float
from bench.training_run import Run, silent

SPEC = Spec("speed", 3, 32, tuple("abcdefgh"))


def cpu_seconds(*arguments, **variables) -> float:
    """CPU seconds (user and system) of one `bench` process and its children."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [sys.executable, "-m", "bench", *arguments], check=True, capture_output=True, env=os.environ | variables
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def test_help(benchmark):
    """Target: under 0.5 CPU-seconds."""
    benchmark.extra_info["cpu_seconds"] = cpu_seconds("--help")
    benchmark.pedantic(cpu_seconds, ("--help",), rounds=3)


def test_cached_rerun(benchmark, tmp_path):
    """Target: under 4 seconds."""
    arguments = ("run", "--plugins", "regene", "--dataset", "digits", "--budget", "smoke",
                 "--runs", str(tmp_path / "runs"), "--leaderboards", str(tmp_path / "boards"))  # fmt: skip
    cpu_seconds(*arguments)
    benchmark.pedantic(cpu_seconds, arguments, rounds=3)


class Net(nn.Module):
    """Large enough to be a method, small enough to show what surrounds it."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(3, 32, 3, 2, 1),
            nn.ReLU(),
            nn.Conv2d(32, 64, 3, 2, 1),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(4096, 8),
        )
        self.optimizer = torch.optim.Adam(self.parameters())

    def step(self, images, labels):
        loss = nn.functional.cross_entropy(self.layers(images), labels)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss


@pytest.fixture
def data() -> Data:
    rng = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (4096, *SPEC.shape), generator=rng, dtype=torch.uint8)
    return Data(SPEC, images, torch.randint(0, 8, (4096,), generator=rng))


def bare(data: Data, steps: int) -> None:
    """The plainest loop: the whole data on the device, one permutation an epoch."""
    net, n, size = Net().to(memory_format=torch.channels_last), len(data), 128
    for step in range(steps):
        if step % (n // size) == 0:
            order = torch.randperm(n)
        index = order[step % (n // size) * size :][:size]
        images = to_float(data.images[index]).contiguous(memory_format=torch.channels_last)
        net.step(images, data.labels[index])


def with_harness(data: Data, steps: int, folder) -> None:
    """The same with everything that the host provides: order, counting, logging, curves, checkpoints."""
    from bench.training.tensorboard import Curves

    net = Net().to(memory_format=torch.channels_last)
    curves = Curves(folder / "curves", silent)
    run = Run(net, images=steps * 128, folder=folder / "checkpoints", progress=curves)
    for images, labels in run.batches(data, 128, run.images, keep=(net.optimizer,)):
        run.log(loss=net.step(images, labels))
    curves.close()


def test_harness_around_fit(benchmark, data, tmp_path):
    """Target: `extra_info.overhead` under 0.03 (CPU seconds, interleaved, medians)."""
    steps, rounds = 150, 5

    def seconds(work, *arguments) -> float:
        started = time.process_time()
        work(*arguments)
        return time.process_time() - started

    with_harness(data, 20, tmp_path / "warm")
    pairs = [(seconds(bare, data, steps), seconds(with_harness, data, steps, tmp_path / str(i))) for i in range(rounds)]
    medians = [sorted(column)[rounds // 2] for column in zip(*pairs, strict=True)]
    benchmark.extra_info["overhead"] = medians[1] / medians[0] - 1
    benchmark.pedantic(with_harness, (data, steps, tmp_path / "last"), rounds=1)


def test_weights_that_have_stopped_learning(benchmark):
    """Muon on moments of which half have shrunk to denormal numbers: `extra_info` has the time relative to normal ones."""
    from bench.muon import Muon
    from bench.util.denormals import flushed_denormals

    def seconds(scale: float) -> float:
        weight = nn.Parameter(torch.zeros(256, 1152))
        optimizer = Muon([weight], 1e-3)
        weight.grad = torch.randn(weight.shape, generator=torch.Generator().manual_seed(0))
        weight.grad[128:] *= scale
        optimizer.step()
        started = time.process_time()
        for _ in range(20):
            optimizer.step()
        return time.process_time() - started

    usual = seconds(1.0)
    benchmark.extra_info["kept"] = seconds(1e-39) / usual
    with flushed_denormals():
        benchmark.extra_info["taken as 0"] = seconds(1e-39) / usual
        benchmark.pedantic(seconds, (1e-39,), rounds=1)
