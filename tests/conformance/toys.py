"""Good plugins, as small as a plugin can be: the bad ones in `bad_*.py` each differ from one of these in one thing."""

import hashlib
import math
from dataclasses import dataclass, replace
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bench import (
    Codes,
    Data,
    Dataset,
    DataSource,
    DataState,
    Factor,
    Generator,
    Images,
    Labels,
    Logits,
    LogWeights,
    Pixels,
    Run,
    Spec,
    quantize,
)
from bench.testing import tiny_dataset


@dataclass(frozen=True)
class ToyConfig:
    """One setting of every type that can be read from text."""

    codes: int = 8
    lr: float = 1e-2
    noise: float = 0.1
    bias: bool = True
    sizes: tuple[int, ...] = (32, 8)
    act: Literal["sigmoid"] = "sigmoid"
    limit: int | None = None


class Toy(Generator):
    """A linear autoencoder with a Gaussian over its codes for each class: it has every capability."""

    Config = ToyConfig
    source = "none, a toy"
    means: Tensor
    batch = 64

    def __init__(self, config: ToyConfig, spec: Spec) -> None:
        super().__init__(config, spec)
        pixels = spec.channels * spec.size**2
        self.encoder = nn.Linear(pixels, config.codes)
        self.decoder = nn.Linear(config.codes, pixels, bias=config.bias)
        self.head = nn.Linear(config.codes, len(spec.classes))
        self.register_buffer("means", torch.zeros(len(spec.classes), config.codes))

    def fit(self, data: Data, run: Run) -> None:
        """Two phases, each with momentum, noise from the run and dropout from torch's global generator."""
        for phase, share in (("first", 0.5), ("second", 0.5)):
            optimizer = self.optimizer()
            for images, labels in run.batches(
                data, self.batch, run.share(share), phase=phase, keep=self.kept(optimizer)
            ):
                with run.autocast():
                    codes = F.dropout(self.encoder(images.flatten(1)), 0.1)
                    noise = torch.randn(codes.shape, generator=run.rng, device=run.device)
                    pixels = self.decoder(codes + self.config.noise * noise)
                    logits = self.head(codes)
                loss = F.mse_loss(pixels.float().sigmoid(), images.flatten(1)) + F.cross_entropy(logits.float(), labels)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                self.remember(codes.detach().float(), labels)
                self.log(run, loss)

    def optimizer(self) -> torch.optim.Optimizer:
        return torch.optim.Adam(self.parameters(), self.config.lr)

    def kept(self, optimizer: torch.optim.Optimizer) -> list[torch.optim.Optimizer]:
        return [optimizer]

    def log(self, run: Run, loss: Tensor) -> None:
        run.log(loss=loss)

    def remember(self, codes: Tensor, labels: Labels) -> None:
        """A running mean of the codes of each class."""
        for k in labels.unique():
            self.means[k].lerp_(codes[labels == k].mean(0), 0.1)

    def sample(self, n: int, rng: torch.Generator) -> Images:
        return self.decode(self.draw_codes(n, rng), rng)

    def sample_class(self, labels: Labels, rng: torch.Generator) -> Images:
        return self.sample_mixture(F.one_hot(labels, len(self.means)).float(), rng)

    def sample_mixture(self, weights: Tensor, rng: torch.Generator) -> Images:
        return self.decode(weights @ self.means + self._noise(len(weights), rng), rng)

    def draw_codes(self, n: int, rng: torch.Generator) -> Codes:
        labels = torch.randint(len(self.means), (n,), generator=rng, device=rng.device)
        return self.means[labels] + self._noise(n, rng)

    @torch.no_grad()
    def decode(self, codes: Codes, rng: torch.Generator) -> Images:
        return self.decoder(codes).sigmoid().unflatten(1, self.spec.shape)

    @torch.no_grad()
    def encode(self, images: Images) -> Codes:
        return self.encoder(images.flatten(1))

    def reconstruct(self, images: Images) -> Images:
        return self.decode(self.encode(images), torch.Generator())

    def logits(self, images: Images) -> Logits:
        return self.head(self.encode(images))

    @torch.no_grad()
    def log_weights(self, images: Images, draws: int, rng: torch.Generator) -> LogWeights:
        """x = decode(z) + N(0, 1), z of a mixture over classes; q(z|x) = N(encode(x), noise)."""
        normal = torch.distributions.Normal
        q = normal(self.encode(images), self.config.noise)
        rows = []
        for _ in range(draws):
            z = q.mean + self._noise(len(images), rng)
            pixels = normal(self.decode(z, rng), 1.0).log_prob(images).flatten(1).sum(1)
            prior = normal(self.means, self.config.noise).log_prob(z[:, None]).sum(2).logsumexp(1)
            rows.append(pixels + prior - math.log(len(self.means)) - q.log_prob(z).sum(1))
        return torch.stack(rows)

    def _noise(self, n: int, rng: torch.Generator) -> Tensor:
        return self.config.noise * torch.randn(n, self.config.codes, generator=rng, device=rng.device)


class Plain(Generator):
    """A generator without a single capability."""

    Config = ToyConfig
    source = "none, a toy"

    def __init__(self, config: ToyConfig, spec: Spec) -> None:
        super().__init__(config, spec)
        self.mean = nn.Parameter(torch.full(spec.shape, 0.5))

    def fit(self, data: Data, run: Run) -> None:
        optimizer = torch.optim.SGD(self.parameters(), 0.1)
        for images, _ in run.batches(data, 64, run.images, keep=[optimizer]):
            loss = F.mse_loss(self.mean.expand_as(images), images)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            run.log(loss=loss)

    def sample(self, n: int, rng: torch.Generator) -> Images:
        noise = torch.randn(n, *self.spec.shape, generator=rng, device=rng.device)
        return (self.mean.detach() + 0.1 * noise).clamp(0, 1)


class ToyData(DataSource):
    """The tiny data set behind the public door."""

    source = "none, a toy"

    def state(self) -> DataState:
        return DataState("ready")

    def load(self, size: int | None = None) -> Dataset:
        return tiny_dataset(size=size or 32)


class DrawnData(DataSource):
    """Two classes of plain images, whose red and green say `x` to the last digit: it draws any values of its factors."""

    source = "none, a toy"
    factors = (Factor("side", "categorical", 0, 1, 2), Factor("x", "linear", 0.0, 1.0))

    def state(self) -> DataState:
        return DataState("ready")

    def load(self, size: int | None = None) -> Dataset:
        spec = Spec("drawn", 3, size or 32, ("left", "right"), self.factors)
        parts = [self.draw_factors(n, torch.Generator().manual_seed(n)) for n in (97, 33, 32)]
        train, validation, test = (Data(spec, self.render(rows, spec.size), rows[:, 0].long(), rows) for rows in parts)
        return Dataset(spec, train, validation, test, digest=digest(str(spec)))

    def draw_factors(self, n: int, rng: torch.Generator) -> Codes:
        rows = torch.rand(n, 2, generator=rng)
        return torch.stack([(rows[:, 0] < 0.5).float(), rows[:, 1]], dim=1)

    def render(self, factors: Codes, size: int) -> Pixels:
        side, x = factors.T
        pixels = torch.stack([x, x * 255 % 1, side / 2], dim=1)[:, :, None, None]
        return quantize(pixels.expand(-1, -1, size, size))


def change(dataset: Dataset, split: str, **parts: object) -> Dataset:
    """The same data set with other parts in one split."""
    return replace(dataset, **{split: replace(getattr(dataset, split), **parts)})


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
