"""Plugins that misbehave, each in one way, beside one that does not."""

import os
import signal
import time
from dataclasses import dataclass

import torch

from bench import Generator, hookimpl


@dataclass(frozen=True)
class HostileConfig:
    level: float = 0.5


class Good(Generator):
    """Learns the mean brightness; draws it with a little noise."""

    Config = HostileConfig
    source = "tests"

    def __init__(self, config, spec):
        super().__init__(config, spec)
        self.register_buffer("mean", torch.zeros(spec.shape))

    def fit(self, data, run):
        for images, _ in run.batches(data, 32, run.images):
            self.mean.mul_(0.9).add_(0.1 * images.mean(0))
            run.log(loss=self.mean.mean())

    def sample(self, n, rng):
        shape = (n, *self.spec.shape)
        return (self.mean + 0.1 * torch.randn(shape, generator=rng)).clamp(0, 1)


class Raises(Good):
    def fit(self, data, run):
        raise RuntimeError("[bold]boom[/bold] | with a pipe\nand a second line")


class Hangs(Good):
    def fit(self, data, run):
        while True:
            time.sleep(1)


class Dies(Good):
    def fit(self, data, run):
        os.kill(os.getpid(), signal.SIGKILL)


class Exits(Good):
    def fit(self, data, run):
        os._exit(3)


class Eats(Good):
    def fit(self, data, run):
        hoard = []
        while True:
            hoard.append(torch.ones(2**24))
            time.sleep(0.02)


class Diverges(Good):
    def fit(self, data, run):
        for _ in run.batches(data, 32, run.images):
            run.log(loss=torch.tensor(float("nan")))


class Overspends(Good):
    def fit(self, data, run):
        for _ in run.batches(data, 32, run.images * 2):
            pass


class DrawsNan(Good):
    def sample(self, n, rng):
        return super().sample(n, rng) * float("nan")


class DrawsTooBright(Good):
    def sample(self, n, rng):
        return super().sample(n, rng) + 1.5


class DrawsWrongShape(Good):
    def sample(self, n, rng):
        return super().sample(n, rng)[:, :, 1:]


class DrawsWithGrad(Good):
    def sample(self, n, rng):
        return super().sample(n, rng).requires_grad_()


class DrawsFromTheGlobalRng(Good):
    def sample(self, n, rng):
        return torch.rand(n, *self.spec.shape)


class Prints(Good):
    def fit(self, data, run):
        for _ in range(2000):
            print("spam " * 50)
        os.system("echo from a child process")
        super().fit(data, run)


ENTRIES = {
    "good": Good,
    "raises": Raises,
    "hangs": Hangs,
    "dies": Dies,
    "exits": Exits,
    "eats": Eats,
    "diverges": Diverges,
    "overspends": Overspends,
    "draws-nan": DrawsNan,
    "draws-too-bright": DrawsTooBright,
    "draws-wrong-shape": DrawsWrongShape,
    "draws-with-grad": DrawsWithGrad,
    "draws-from-the-global-rng": DrawsFromTheGlobalRng,
    "prints": Prints,
}


@hookimpl
def bench_generators():
    return ENTRIES
