"""Training of a GAN: non-saturating loss, lazy R1, average of weights (arXiv 1406.2661, 1801.04406, 1912.04958)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from bench.api import Data, Images, Labels, Spec
from bench.config import require_between
from bench.errors import BenchError
from bench.parts.gan_networks import (
    ConvDiscriminator,
    ConvGenerator,
    ResidualDiscriminator,
    ResidualGenerator,
    Signed,
    Vectors,
)
from bench.parts.optim import MovingAverage
from bench.parts.timm_discriminator import TimmDiscriminator, is_timm
from bench.run import Run, Stateful

Logits = Float[Tensor, "n"]
QUANTUM = 1 / 128  # two levels of 8 bits, in [-1, 1]


@dataclass(frozen=True)
class GanConfig:
    """Settings of the networks and of the training, shared by all GANs of the suite."""

    width: int = 16  # channels of both networks at full size; doubled by each halving, up to 512
    nuisance_dim: int = 64  # of s ~ N(0, I)
    generator: Literal["residual", "conv"] = "residual"  # conv: the decoder of a `CodeVae`, as dSprites wants it
    discriminator: str = "residual"  # or conv, its encoder, or timm:NAME, a backbone without batch norm
    optimizer: Literal["adam", "rmsprop"] = "adam"
    batch_size: int = 32
    lr: float = 1e-3  # of G
    discriminator_speed: float = 1.0  # learning rate of D over that of G
    r1: float = 1.0  # weight of |grad D|^2 on real images, without a factor 1/2
    r1_every: int = 16  # steps; its weight is multiplied by as much
    ema: float = 0.999  # decay of the average of G's weights, which draws all images
    flip: bool = False  # mirror training images at random
    dequantize: bool = True  # add noise below a level of 8 bits to training images

    def __post_init__(self) -> None:
        """Raises ValueError for invalid settings."""
        infinite = float("inf")
        require_between(self, 1, infinite, "width", "batch_size", "r1_every")
        require_between(self, 0, infinite, "nuisance_dim", "lr", "discriminator_speed", "r1")
        require_between(self, 0, 1, "ema")
        if self.discriminator not in ("residual", "conv") and not is_timm(self.discriminator):
            raise ValueError(f"discriminator: expected residual, conv or timm:NAME, got {self.discriminator!r}")


@dataclass(frozen=True)
class Given:
    """What G is given besides the nuisance for one batch, and what its images are compared with."""

    vectors: Vectors
    target: Tensor | None = None
    shown: Mapping[str, Tensor] = field(default_factory=dict)  # values to log


class Condition(Protocol):
    """Decides what G is given besides the nuisance, and what its images must show of it."""

    def draw(self, images: Images, labels: Labels, rng: torch.Generator) -> Given:
        """One vector for each image of a batch of real ones."""

    def loss(self, given: Given, images: Images) -> tuple[Tensor, Mapping[str, Tensor]]:
        """What is added to the loss of G for the images that it drew from them, and values to log."""


class NoCondition:
    """G is given the nuisance alone."""

    def draw(self, images: Images, labels: Labels, rng: torch.Generator) -> Given:
        return Given(images.new_zeros(len(images), 0))

    def loss(self, given: Given, images: Images) -> tuple[Tensor, Mapping[str, Tensor]]:
        return images.new_zeros(()), {}


def build_generator(config: GanConfig, spec: Spec, condition: int = 0) -> nn.Module:
    """G of a nuisance and a condition of this dimension. Raises `BenchError` if it cannot draw images of that size."""
    network = ResidualGenerator if config.generator == "residual" else ConvGenerator
    return network(spec.shape, config.nuisance_dim + condition, config.width)


def build_discriminator(config: GanConfig, spec: Spec, seed: int, classes: int = 0) -> nn.Module:
    """D, its first weights drawn from `seed`; of the label too if there are classes."""
    with torch.random.fork_rng(range(torch.cuda.device_count())):
        torch.manual_seed(seed)
        if is_timm(config.discriminator):
            return TimmDiscriminator(config.discriminator, spec.channels, classes)
        network = ResidualDiscriminator if config.discriminator == "residual" else ConvDiscriminator
        return network(spec.shape, config.width, classes)


def nuisance(n: int, config: GanConfig, rng: torch.Generator) -> Vectors:
    """s ~ N(0, I), on the device of `rng`."""
    return torch.randn(n, config.nuisance_dim, generator=rng, device=rng.device)


def draw_images(generator: nn.Module, s: Vectors, vectors: Vectors) -> Images:
    """G(s, c) in [0, 1]."""
    drawn: Tensor = generator(torch.cat([s, vectors.to(s)], 1))
    return unsigned(drawn)


def signed(images: Images) -> Signed:
    """From [0, 1] to [-1, 1]."""
    return 2 * images - 1


def unsigned(images: Signed) -> Images:
    """From [-1, 1] to [0, 1]."""
    return (images + 1) / 2


def r1_penalty(logits: Logits, images: Signed) -> Float[Tensor, ""]:
    """The mean over images of |grad_x D(x)|^2, with a graph (arXiv 1801.04406, equation 9, without gamma / 2).

    `logits` are D(x) of these images, which require a gradient; each depends on its own image alone.
    """
    (gradient,) = torch.autograd.grad(logits.sum(), images, create_graph=True)
    return gradient.float().square().sum((1, 2, 3)).mean()


def augmented(images: Images, config: GanConfig, rng: torch.Generator) -> Images:
    """Some mirrored, all with noise: as D and an encoder see real images. Noise goes up to a quarter of `QUANTUM` beyond."""
    if config.flip:
        mirror = torch.rand(len(images), 1, 1, 1, generator=rng, device=rng.device) < 0.5
        images = torch.where(mirror, images.flip(3), images)
    if config.dequantize:
        noise = torch.rand(images.shape, generator=rng, device=rng.device)
        images = images + QUANTUM / 2 * (noise - 0.5)
    return images


class Adversaries:
    """G, D, their optimizers and the average of G: a step for each batch. Pass `keep` to `run.batches`.

    Parameters in `also` are trained with G.
    """

    def __init__(
        self, generator: nn.Module, discriminator: nn.Module, config: GanConfig, run: Run, condition: Condition,
        also: Iterable[nn.Parameter] = (),
    ) -> None:  # fmt: skip
        self.generator, self.discriminator = generator, discriminator.to(run.device)
        self.config, self.run, self.condition = config, run, condition
        self.average = MovingAverage(generator, config.ema)
        self.of_generator = _optimizer([*generator.parameters(), *also], config, config.lr)
        self.of_discriminator = _optimizer(
            list(discriminator.parameters()), config, config.discriminator_speed * config.lr
        )
        self.keep: list[Stateful] = [self.discriminator, self.average, self.of_generator, self.of_discriminator]

    def step(self, images: Images, labels: Labels | None, given: Given) -> dict[str, Tensor]:
        """One step of D, then one of G with the same condition and a new nuisance; the values to log."""
        shown = {**given.shown, **self._step_discriminator(images, labels, given)}
        shown |= self._step_generator(labels, given)
        self.average.update(self.generator)
        return shown

    def _step_discriminator(self, images: Images, labels: Labels | None, given: Given) -> dict[str, Tensor]:
        """softplus(-D(x)) + softplus(D(G(s, c))) + w_R1 |grad D(x)|^2 (id_gan.md, 3.4)."""
        penalised = self.config.r1 > 0 and self.average.steps % self.config.r1_every == 0
        real = signed(images).requires_grad_(penalised)
        with torch.no_grad(), self.run.autocast():
            fakes = self._draw(given)
        of_real, of_fakes = self._judge(real, fakes, labels)
        loss = F.softplus(-of_real).mean() + F.softplus(of_fakes).mean()
        shown = {"loss_d": loss}
        if penalised:
            shown["r1"] = r1_penalty(of_real, real)
            loss = loss + self.config.r1 * self.config.r1_every * shown["r1"]
        _descend(self.of_discriminator, loss)
        return shown

    def _judge(self, real: Signed, fakes: Signed, labels: Labels | None) -> tuple[Logits, Logits]:
        """D(x) and D(G(s, c)): in one pass, or in two if R1 needs a gradient to the real images."""
        with self.run.autocast():
            if real.requires_grad:
                of_real, of_fakes = self.discriminator(real, labels), self.discriminator(fakes, labels)
            else:
                both = None if labels is None else torch.cat([labels, labels])
                of_real, of_fakes = self.discriminator(torch.cat([real, fakes]), both).chunk(2)
        return of_real.float(), of_fakes.float()

    def _step_generator(self, labels: Labels | None, given: Given) -> dict[str, Tensor]:
        """softplus(-D(G(s, c))) + what the condition asks for (id_gan.md, 3.4)."""
        self.discriminator.requires_grad_(False)
        with self.run.autocast():
            drawn = self._draw(given)
            logits: Tensor = self.discriminator(drawn, labels)
            asked, shown = self.condition.loss(given, unsigned(drawn))
        loss = F.softplus(-logits.float()).mean()
        _descend(self.of_generator, loss + asked)
        self.discriminator.requires_grad_(True)
        return {"loss_g": loss, **shown}

    def _draw(self, given: Given) -> Signed:
        s = nuisance(len(given.vectors), self.config, self.run.rng)
        drawn: Tensor = self.generator(torch.cat([s, given.vectors], 1))
        return drawn


def fit_gan(
    generator: nn.Module, discriminator: nn.Module, config: GanConfig, data: Data, run: Run, condition: Condition,
    *, images: int, conditional: bool = False, also: Iterable[nn.Parameter] = (), phase: str = "gan",
) -> None:  # fmt: skip
    """Train G on this many images, and leave the average of its weights in it. With `conditional`, D sees labels."""
    require_images(data)
    pair = Adversaries(generator, discriminator, config, run, condition, also)
    generator.train()
    discriminator.train()
    for x, y in run.batches(data, config.batch_size, images, phase=phase, keep=pair.keep):
        x = augmented(x, config, run.rng)
        run.log(**pair.step(x, y if conditional else None, condition.draw(x, y, run.rng)))
    generator.load_state_dict(pair.average.values)
    generator.eval()


def require_images(data: Data, least: int = 2) -> None:
    """Raises `BenchError` for a data set of a single image."""
    if len(data) < least:
        raise BenchError(f"a GAN needs at least {least} training images, got {len(data)}")


def _optimizer(parameters: list[nn.Parameter], config: GanConfig, lr: float) -> torch.optim.Optimizer:
    """Adam without momentum, or RMSprop as in the release (id_gan.md, 3.5)."""
    if config.optimizer == "rmsprop":
        return torch.optim.RMSprop(parameters, lr, alpha=0.99, eps=1e-8)
    return torch.optim.Adam(parameters, lr, betas=(0.0, 0.99), fused=True)


def _descend(optimizer: Any, loss: Tensor) -> None:
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
