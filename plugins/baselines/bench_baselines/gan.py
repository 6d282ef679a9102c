"""A GAN without and with labels (arXiv 1801.04406, 1802.05637): the networks and the training of `id-gan`."""

from typing import ClassVar

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from bench import Code, Codes, Data, Generator, Images, Labels, Run, Spec
from bench.parts.adversarial import (
    Condition,
    GanConfig,
    Given,
    build_discriminator,
    build_generator,
    fit_gan,
    nuisance,
    unsigned,
)


class PlainGan(Generator):
    """G(s) against D. Its codes are s, as far as a GAN has any: nothing asks G to use each for one attribute."""

    Config: ClassVar[type] = GanConfig
    source = "arXiv 1801.04406"
    config: GanConfig

    def __init__(self, config: GanConfig, spec: Spec) -> None:
        super().__init__(config, spec)
        if not config.nuisance_dim:
            raise ValueError("nuisance_dim must be at least 1 for a GAN without a code, got 0")
        self.generator = build_generator(config, spec)
        self.eval()

    def fit(self, data: Data, run: Run) -> None:
        """Every image of the budget passes D once."""
        discriminator = build_discriminator(self.config, self.spec, run.seed)
        fit_gan(self.generator, discriminator, self.config, data, run, Condition(), images=run.images)

    def sample(self, n: int, rng: torch.Generator) -> Images:
        return self.decode(self.draw_codes(n, rng), rng)

    def draw_codes(self, n: int, rng: torch.Generator) -> Codes:
        """s ~ N(0, I)."""
        return nuisance(n, self.config, rng)

    @torch.no_grad()
    def decode(self, codes: Codes, rng: torch.Generator) -> Images:
        """G(s), deterministic."""
        return unsigned(self.generator(codes))


class ConditionalGan(Generator):
    """G(s, y) against D(x, y), which projects the label. Its codes are s and the class, (n, nuisance_dim + k)."""

    Config: ClassVar[type] = GanConfig
    source = "arXiv 1802.05637"
    config: GanConfig

    class_share: Tensor  # (k,), of the training set

    def __init__(self, config: GanConfig, spec: Spec) -> None:
        super().__init__(config, spec)
        k, dim = len(spec.classes), config.nuisance_dim
        self.register_buffer("class_share", torch.full((k,), 1 / k))
        self.generator = build_generator(config, spec, k)
        continuous = (Code(f"s{index}", "continuous", (index,)) for index in range(dim))
        self.code_layout = (*continuous, Code("class", "categorical", tuple(range(dim, dim + k))))
        self.eval()

    def fit(self, data: Data, run: Run) -> None:
        """Also learns how frequent the classes are."""
        k = len(self.spec.classes)
        self.class_share.copy_(torch.bincount(data.labels, minlength=k) / len(data))
        discriminator = build_discriminator(self.config, self.spec, run.seed, k)
        condition = LabelCondition(k, self._length)
        fit_gan(self.generator, discriminator, self.config, data, run, condition, images=run.images, conditional=True)

    def sample(self, n: int, rng: torch.Generator) -> Images:
        return self.decode(self.draw_codes(n, rng), rng)

    def sample_class(self, labels: Labels, rng: torch.Generator) -> Images:
        """G(s, y)."""
        return self.sample_mixture(one_hot(labels, len(self.spec.classes)), rng)

    def sample_mixture(self, weights: Float[Tensor, "n k"], rng: torch.Generator) -> Images:
        """G(s, weights): G is given shares of classes, which it never saw while it was trained."""
        return self.decode(torch.cat([nuisance(len(weights), self.config, rng), weights], 1), rng)

    def draw_codes(self, n: int, rng: torch.Generator) -> Codes:
        """s ~ N(0, I), classes as often as they are in the training set, one-hot."""
        labels = torch.multinomial(self.class_share.to(rng.device), n, replacement=True, generator=rng)
        return torch.cat([nuisance(n, self.config, rng), one_hot(labels, len(self.spec.classes))], 1)

    @torch.no_grad()
    def decode(self, codes: Codes, rng: torch.Generator) -> Images:
        """G(s, shares of the classes), deterministic."""
        s, shares = codes.split([self.config.nuisance_dim, len(self.spec.classes)], 1)
        return unsigned(self.generator(torch.cat([s, self._length * shares], 1)))

    @property
    def _length(self) -> float:
        """Of the label's columns: as long as s, so that the first layer of G sees both."""
        return float(max(self.config.nuisance_dim, 1) ** 0.5)


class LabelCondition(Condition):
    """G is given the label of a real image."""

    def __init__(self, classes: int, length: float) -> None:
        self.classes, self.length = classes, length

    def draw(self, images: Images, labels: Labels, rng: torch.Generator) -> Given:
        return Given(self.length * one_hot(labels, self.classes))


def one_hot(labels: Labels, classes: int) -> Float[Tensor, "n k"]:
    return F.one_hot(labels, classes).float()
