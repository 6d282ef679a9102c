"""Training of a GAN: its loss, lazy R1, average of weights (arXiv 1406.2661, 1801.04406, 1912.04958)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch import Tensor, nn

from bench.api import Data, Images, Labels, Spec
from bench.config import require_between
from bench.errors import BenchError
from bench.parts.gan_losses import (
    PENALTY,
    Logits,
    LossName,
    gradient_penalty,
    loss_of_discriminator,
    loss_of_generator,
    r1_penalty,
)
from bench.parts.gan_networks import (
    ConvDiscriminator,
    ConvGenerator,
    Discriminator,
    Drawer,
    ResidualDiscriminator,
    ResidualGenerator,
    Signed,
    VectorGenerator,
    Vectors,
)
from bench.parts.optim import MovingAverage
from bench.parts.timm_discriminator import TimmDiscriminator, check_backbone, is_timm
from bench.training_run import Run, Stateful

QUANTUM = 1 / 128  # two levels of 8 bits, in [-1, 1]


@dataclass(frozen=True)
class AdversarialConfig:
    """Settings of the training of any two networks."""

    optimizer: Literal["adam", "rmsprop"] = "adam"
    batch_size: int = 32
    lr: float = 1e-3  # of G
    discriminator_speed: float = 1.0  # learning rate of D over that of G
    loss: LossName = "logistic"  # or wasserstein, with a penalty on the gradient of D in each step
    r1: float = 1.0  # weight of |grad D|^2 on real images, without a factor 1/2; of loss=logistic
    r1_every: int = 16  # steps; its weight is multiplied by as much
    ema: float = 0.999  # decay of the average of G's weights, which draws all images
    flip: bool = False  # mirror training images at random
    dequantize: bool = True  # add noise below a level of 8 bits to training images

    def __post_init__(self) -> None:
        """Raises ValueError for invalid settings."""
        infinite = float("inf")
        require_between(self, 1, infinite, "batch_size", "r1_every")
        require_between(self, 0, infinite, "lr", "discriminator_speed", "r1")
        require_between(self, 0, 1, "ema")


@dataclass(frozen=True)
class GanConfig(AdversarialConfig):
    """Settings of networks without styles as well."""

    width: int = 16  # channels of both networks at full size; doubled by each halving, up to 512
    nuisance_dim: int = 64  # of s ~ N(0, I)
    generator: Literal["residual", "conv"] = "residual"  # conv: the decoder of a `CodeVae`, as dSprites wants it
    discriminator: str = "residual"  # or conv, its encoder, or timm:NAME, a backbone without batch norm

    def __post_init__(self) -> None:
        """Raises ValueError for invalid settings, and `BenchError` for a backbone that cannot be used."""
        super().__post_init__()
        require_between(self, 1, float("inf"), "width")
        require_between(self, 0, float("inf"), "nuisance_dim")
        if is_timm(self.discriminator):
            check_backbone(self.discriminator)
        elif self.discriminator not in ("residual", "conv"):
            raise ValueError(f"discriminator: expected residual, conv or timm:NAME, got {self.discriminator!r}")


@dataclass(frozen=True)
class Given:
    """What G is given besides the nuisance for one batch, and what its images are compared with."""

    vectors: Vectors
    target: Tensor | None = None
    shown: Mapping[str, Tensor] = field(default_factory=dict)  # values to log


Asked = tuple[Tensor, Mapping[str, Tensor | float]]  # what is added to a loss, and values to log


class Condition:
    """Decides what G is given besides the nuisance, and what must be seen of it in the images. Here: nothing."""

    def progress(self, done: float) -> None:
        """Told before each step which share of the steps is done."""

    def draw(self, images: Images, labels: Labels, rng: torch.Generator) -> Given:
        """One vector for each image of a batch of real ones."""
        return Given(images.new_zeros(len(images), 0))

    def loss(self, given: Given, images: Images, features: Vectors) -> Asked:
        """What is added to the loss of G for the images that it drew from them, of which D has these features."""
        return images.new_zeros(()), {}

    def loss_of_discriminator(self, given: Given, features: Vectors) -> Asked:
        """What is added to the loss of D, with its features of images that G drew."""
        return features.new_zeros(()), {}


def build_generator(config: GanConfig, spec: Spec, condition: int = 0) -> VectorGenerator:
    """G of a nuisance and a condition of this dimension. Raises `BenchError` if it cannot draw images of that size."""
    network = ResidualGenerator if config.generator == "residual" else ConvGenerator
    return network(spec.shape, config.nuisance_dim, config.width, condition)


def build_discriminator(config: GanConfig, spec: Spec, seed: int, classes: int = 0) -> Discriminator:
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


def signed(images: Images) -> Signed:
    """From [0, 1] to [-1, 1]."""
    return 2 * images - 1


def unsigned(images: Signed) -> Images:
    """From [-1, 1] to [0, 1]."""
    return (images + 1) / 2


def augmented(images: Images, config: AdversarialConfig, rng: torch.Generator) -> Images:
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

    Parameters in `also` are trained with G, those in `with_discriminator` with D.
    """

    def __init__(
        self, generator: Drawer, discriminator: Discriminator, config: AdversarialConfig, run: Run,
        condition: Condition, also: Iterable[nn.Parameter] = (), with_discriminator: Iterable[nn.Parameter] = (),
    ) -> None:  # fmt: skip
        self.generator, self.discriminator = generator, discriminator.to(run.device)
        self.config, self.run, self.condition = config, run, condition
        self.average = MovingAverage(generator, config.ema)
        of_d = [*discriminator.parameters(), *with_discriminator]
        self.of_generator = _optimizer([*generator.parameters(), *also], config, config.lr)
        self.of_discriminator = _optimizer(of_d, config, config.discriminator_speed * config.lr)
        self._frozen = of_d
        self.keep: list[Stateful] = [self.discriminator, self.average, self.of_generator, self.of_discriminator]

    def step(self, images: Images, labels: Labels | None, given: Given) -> dict[str, Tensor | float]:
        """One step of D, then one of G with the same condition and a new nuisance; the values to log."""
        shown: dict[str, Tensor | float] = {**given.shown, **self._step_discriminator(images, labels, given)}
        shown |= self._step_generator(labels, given)
        self.average.update(self.generator)
        return shown

    def _step_discriminator(self, images: Images, labels: Labels | None, given: Given) -> dict[str, Tensor | float]:
        """Its loss, that of the condition, and a penalty on gradients."""
        logistic = self.config.loss == "logistic"
        penalised = logistic and self.config.r1 > 0 and self.average.steps % self.config.r1_every == 0
        real = signed(images).requires_grad_(penalised)
        with torch.no_grad(), self.run.autocast():
            fakes = self._draw(given)
        of_real, of_fakes, features = self._judge(real, fakes, labels)
        with self.run.autocast():
            asked, told = self.condition.loss_of_discriminator(given, features)
        loss = loss_of_discriminator(of_real, of_fakes, self.config.loss)
        shown: dict[str, Tensor | float] = {"loss_d": loss, **told}
        if penalised:
            shown["r1"] = r1 = r1_penalty(of_real, real)
            loss = loss + self.config.r1 * self.config.r1_every * r1
        if not logistic:
            shown["penalty"] = penalty = gradient_penalty(self.discriminator, real, fakes, self.run.rng)
            loss = loss + PENALTY * penalty
        _descend(self.of_discriminator, loss + asked)
        return shown

    def _judge(self, real: Signed, fakes: Signed, labels: Labels | None) -> tuple[Logits, Logits, Vectors]:
        """D(x), D(G(s, c)) and its features of the latter: in one pass, or in two if R1 needs a gradient to x."""
        d = self.discriminator
        with self.run.autocast():
            if real.requires_grad:
                features = d.features(fakes)
                of_real, of_fakes = d(real, labels), d.head(features, labels)
            else:
                both = d.features(torch.cat([real, fakes]))
                features = both[len(real) :]
                of_real, of_fakes = d.head(both, None if labels is None else torch.cat([labels, labels])).chunk(2)
        return of_real.float(), of_fakes.float(), features

    def _step_generator(self, labels: Labels | None, given: Given) -> dict[str, Tensor | float]:
        """Its loss and what the condition asks for. Gradients pass through D, which stays as it is."""
        self._freeze(True)
        with self.run.autocast():
            drawn = self._draw(given)
            features = self.discriminator.features(drawn)
            logits: Tensor = self.discriminator.head(features, labels)
            asked, shown = self.condition.loss(given, unsigned(drawn), features)
        loss = loss_of_generator(logits.float(), self.config.loss)
        _descend(self.of_generator, loss + asked)
        self._freeze(False)
        return {"loss_g": loss, **shown}

    def _freeze(self, frozen: bool) -> None:
        for parameter in self._frozen:
            parameter.requires_grad_(not frozen)

    def _draw(self, given: Given) -> Signed:
        return self.generator.draw(given.vectors, self.run.rng)


def fit_gan(
    generator: Drawer, discriminator: Discriminator, config: AdversarialConfig, data: Data, run: Run,
    condition: Condition, *, images: int, conditional: bool = False, also: Iterable[nn.Parameter] = (),
    with_discriminator: Iterable[nn.Parameter] = (), phase: str = "gan",
) -> None:  # fmt: skip
    """Train G on this many images, and leave the average of its weights in it. With `conditional`, D sees labels."""
    require_images(data)
    pair = Adversaries(generator, discriminator, config, run, condition, also, with_discriminator)
    steps = run.steps(images, config.batch_size)
    generator.train()
    discriminator.train()
    for x, y in run.batches(data, config.batch_size, images, phase=phase, keep=pair.keep):
        condition.progress(pair.average.steps / steps)
        x = augmented(x, config, run.rng)
        run.log(**pair.step(x, y if conditional else None, condition.draw(x, y, run.rng)))
    condition.progress(1.0)
    generator.load_state_dict(pair.average.values)
    generator.eval()
    discriminator.eval()


def require_images(data: Data, least: int = 2) -> None:
    """Raises `BenchError` for a data set of a single image."""
    if len(data) < least:
        raise BenchError(f"a GAN needs at least {least} training images, got {len(data)}")


def _optimizer(parameters: list[nn.Parameter], config: AdversarialConfig, lr: float) -> torch.optim.Optimizer:
    """Adam without momentum, or RMSprop as in the release (id_gan.md, 3.5)."""
    if config.optimizer == "rmsprop":
        return torch.optim.RMSprop(parameters, lr, alpha=0.99, eps=1e-8)
    return torch.optim.Adam(parameters, lr, betas=(0.0, 0.99), fused=True)


def _descend(optimizer: Any, loss: Tensor) -> None:
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
