"""A method that does nothing wrong, for the others to differ from."""

from dataclasses import dataclass

import torch

from bench import Generator


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
