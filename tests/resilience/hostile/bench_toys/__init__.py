"""Two methods and two data sets so cheap that a run can be killed a hundred times; each step prints its number.

Where TOY_DIES says `host:3:FILE` or `worker:3:FILE`, such a process kills itself in the middle of its third write, and
notes in FILE what it was about to write.
"""

import os
import signal
import time
from dataclasses import dataclass

import torch
from torch import nn

from bench import Data, Dataset, DataSource, DataState, Generator, Spec, hookimpl

SIZES = {"train": 120, "validation": 40, "test": 40}


@dataclass(frozen=True)
class ToyConfig:
    pause: float = 0.03  # seconds that a step sleeps: time to be killed in, at no cost


class Toy(Generator):
    """A moving average with noise from the global generator; what it draws hangs on every bit of it."""

    Config, source = ToyConfig, "tests"

    def __init__(self, config, spec):
        super().__init__(config, spec)
        self.means = nn.Parameter(torch.rand(len(spec.classes), *spec.shape))
        self.register_buffer("step", torch.zeros((), dtype=torch.int64))  # all phases together

    def fit(self, data, run):
        for images, labels in run.batches(data, 32, run.images):
            self.tick()
            with torch.no_grad():
                noise = 0.01 * torch.randn_like(images)
                self.means[labels] = 0.9 * self.means[labels] + 0.1 * images + noise
            run.log(change=noise.abs().mean())

    def tick(self):
        """Tell the log, at once, which step begins."""
        print(f"step {int(self.step)}", flush=True)
        self.step += 1
        time.sleep(self.config.pause)

    def sample_class(self, labels, rng):
        time.sleep(20 * self.config.pause)
        noise = torch.randn(len(labels), *self.spec.shape, generator=rng)
        return (self.means.detach()[labels] + 0.1 * noise).clamp(0, 1)

    def sample(self, n, rng):
        return self.sample_class(torch.arange(n) % len(self.spec.classes), rng)


class ToyAdam(Toy):
    """The same by gradients, in two phases with one optimizer."""

    def fit(self, data, run):
        optimizer = torch.optim.Adam(self.parameters(), 0.02)
        for phase in ("coarse", "fine"):
            for images, labels in run.batches(data, 32, run.share(0.5), phase=phase, keep=(optimizer,)):
                self.tick()
                loss = (self.means[labels] - images).square().mean()
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                run.log(loss=loss)


class Dots(DataSource):
    """A bright spot on a noisy ground, its place the class."""

    source, seed = "tests", 0

    def state(self):
        return DataState("ready")

    def reads(self):
        return ()

    def load(self, size=None):
        spec = Spec(type(self).__name__.lower(), 1, 32, ("left", "right"))
        return Dataset(spec, **{split: self.split(spec, split) for split in SIZES}, digest=f"toy {spec}")

    def split(self, spec, split):
        rng = torch.Generator().manual_seed(self.seed + len(split))
        images = torch.randint(0, 64, (SIZES[split], 1, 32, 32), generator=rng)
        labels = torch.arange(len(images)) % 2
        self.mark(images, labels)
        return Data(spec, images.to(torch.uint8), labels)

    def mark(self, images, labels):
        images[labels == 0, :, 10:22, 4:12] += 150
        images[labels == 1, :, 10:22, 20:28] += 150


class Bars(Dots):
    """A bright bar, its direction the class."""

    seed = 1

    def mark(self, images, labels):
        images[labels == 0, :, 14:18, :] += 150
        images[labels == 1, :, :, 14:18] += 150


@hookimpl
def bench_generators():
    return {"toys": Toy, "toys-adam": ToyAdam}


@hookimpl
def bench_datasets():
    return {"toys-dots": Dots, "toys-bars": Bars}


def die_while_writing(who: str, number: int, notes: str) -> None:
    """Let this process die when it is about to put its so manieth file in its place."""
    replace, left = os.replace, [number]

    def deadly(*paths, **more):
        left[0] -= 1
        if not left[0]:
            with open(notes, "a") as file:
                file.write(f"{paths[1]}\n")
            os.killpg(0, signal.SIGKILL) if who == "host" else os.kill(os.getpid(), signal.SIGKILL)
        replace(*paths, **more)

    os.replace = deadly


if "TOY_DIES" in os.environ:
    who, number, notes = os.environ["TOY_DIES"].split(":", 2)
    is_worker = "bench.execution.worker" in __import__("sys").modules
    if is_worker == (who == "worker"):
        die_while_writing(who, int(number), notes)
