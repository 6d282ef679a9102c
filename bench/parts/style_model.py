"""A style-based GAN whose codes enter at chosen scales: what `style-gan` and methods that make it use its codes share."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import nn

from bench.api import Codes, Data, Generator, Images, Labels, Spec
from bench.config import require_between
from bench.parts.adversarial import AdversarialConfig, Condition, Given, fit_gan, unsigned
from bench.parts.doubling import doublings
from bench.parts.scale_codes import ScaleCode, columns_by_scale, draw_codes, layout_of, parse_codes
from bench.parts.style_discriminator import StyleDiscriminator
from bench.parts.style_generator import StyleGenerator
from bench.training_run import Run

CIRCLES = 0.1  # influence of a circular code before the training, relative to that of other codes
FIRST_GROWN = 1  # the scale at which a growing training starts, 0 is the smallest


@dataclass(frozen=True)
class StyleConfig(AdversarialConfig):
    """Settings of a style-based GAN. Those of the training alone are defined by `AdversarialConfig`."""

    batch_size: int = 32
    r1: float = 0.5
    ema: float = 0.998
    codes: str = (
        "auto"  # e.g. "4: 2, 8: 1 + circle, 16: 3-way"; auto: a choice by the size of the images and their colours
    )
    inject: Literal["per-scale", "global"] = "per-scale"  # whether a code enters the styles of its own scale or of all
    code_influence: float = 5.0  # of a code on the styles before the training; that of a component of z is 1
    z_dim: int = 24  # of z ~ N(0, I)
    width: int = 16  # channels of both networks at full size; doubled by each halving, up to 512
    mapping_width: int = 64
    mapping_depth: int = 3
    style_mixing: float = 0.0  # probability that an image takes its finer styles from a second z
    blur: bool = False  # filter maps after each doubling
    grow: float = 0.0  # share of the training over which the size of images grows

    def __post_init__(self) -> None:
        """Raises ValueError for invalid settings."""
        super().__post_init__()
        require_between(self, 1, float("inf"), "z_dim", "width", "mapping_width", "mapping_depth")
        require_between(self, 0, float("inf"), "code_influence")
        require_between(self, 0, 1, "style_mixing", "grow")
        if self.codes != "auto":
            parse_codes(self.codes)


def default_codes(scales: list[int], channels: int) -> str:
    """Two continuous codes at the smallest scale, one at the next and at the full size; there a circle too for colours."""
    counts = dict.fromkeys([*scales[:2], scales[-1]], "1")
    if channels == 3 and len(scales) > 1:
        counts[scales[-1]] = "1 + circle"
    return ", ".join(f"{scale}: {codes}" for scale, codes in ({**counts, scales[0]: "2"}).items())


def first_gains(codes: Sequence[ScaleCode], influence: float) -> list[float]:
    """For each column, the weight that gives every code this influence on the styles, and circles less.

    With more, a circle would take an attribute that is not circular, such as brightness, before other codes do.
    """
    powers = ((code, influence * (CIRCLES if code.kind == "circular" else 1.0)) for code in codes)
    return [(power / code.variance) ** 0.5 for code, power in powers for _ in code.columns]


class StyleModel(Generator):
    """G(z, c) against D. Codes are c; `decode` draws z and the noise of all pixels from its `rng`."""

    Config: ClassVar[type] = StyleConfig
    config: StyleConfig

    def __init__(self, config: StyleConfig, spec: Spec) -> None:
        super().__init__(config, spec)
        side, doubled = doublings(spec.size)
        scales = [side << scale for scale in range(doubled + 1)]
        self.codes: tuple[ScaleCode, ...] = parse_codes(
            default_codes(scales, spec.channels) if config.codes == "auto" else config.codes
        )
        self.code_layout = layout_of(self.codes)
        every = [column for code in self.codes for column in code.columns]
        own = columns_by_scale(self.codes, scales, config.mapping_width)
        shared = config.inject == "global"
        self.generator = StyleGenerator(
            spec.shape, [every] * len(scales) if shared else own, first_gains(self.codes, config.code_influence),
            z_dim=config.z_dim, width=config.width, mapping_width=config.mapping_width,
            mapping_depth=config.mapping_depth, shared=shared, mixing=config.style_mixing, blur=config.blur,
            growing=config.grow > 0,
        )  # fmt: skip
        self.discriminator = StyleDiscriminator(spec.shape, config.width, config.batch_size, growing=config.grow > 0)
        self.eval()

    def train_with(self, condition: Condition, data: Data, run: Run, also: Iterable[nn.Parameter] = ()) -> None:
        """Both players; parameters in `also` are trained with D."""
        fit_gan(
            self.generator, self.discriminator, self.config, data, run, condition, images=run.images,
            with_discriminator=also,
        )  # fmt: skip

    def sample(self, n: int, rng: torch.Generator) -> Images:
        return self.decode(self.draw_codes(n, rng), rng)

    def draw_codes(self, n: int, rng: torch.Generator) -> Codes:
        """c from the priors of its codes."""
        return draw_codes(self.codes, n, rng)

    @torch.no_grad()
    def decode(self, codes: Codes, rng: torch.Generator) -> Images:
        """G(z, c), z ~ N(0, I) and the noise of all pixels from `rng`."""
        return unsigned(self.generator.draw(codes, rng))


class RandomCodes(Condition):
    """G is given codes from their priors, and both networks grow. Nothing asks the images to show the codes."""

    def __init__(self, model: StyleModel) -> None:
        self.model = model

    def progress(self, done: float) -> None:
        """Grow linearly over the first share `grow` of the training, a scale at a time, half of it blending."""
        grow, last = self.model.config.grow, self.model.generator.scales - 1
        stage = float(last) if done >= grow else stage_of(done / grow, min(FIRST_GROWN, last), last)
        self.model.generator.stage = self.model.discriminator.stage = stage

    def draw(self, images: Images, labels: Labels, rng: torch.Generator) -> Given:
        codes = self.model.draw_codes(len(images), rng)
        return Given(codes, codes)


def stage_of(done: float, first: int, last: int) -> float:
    """The stage when this share of the growth is done: every scale is held as long as it is blended in before."""
    place = first + done * (last - first)
    whole = int(place)
    return min(float(last), whole + min(1.0, max(0.0, 2 * (place - whole) - 1)))
