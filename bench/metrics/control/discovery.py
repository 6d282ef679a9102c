"""What the codes of a model do to images, found without labels, and which attribute an oracle says that each controls."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.api import Code
from bench.metrics.context import EvaluationContext
from bench.metrics.control.appearance import perceptual_changes, pixel_changes
from bench.metrics.control.evaluation import control, sweeps
from bench.metrics.control.indices import Effects
from bench.metrics.control.read_back import bounds_of

CONTROLLED = 0.5  # S1 of some code from which an attribute counts as discovered
NOTICEABLE = 0.2  # ST from which a code counts as moving a further attribute


@dataclass(frozen=True)
class Moved:
    """An attribute that a code moves, and the shares of its variance that the code explains."""

    attribute: str
    first: float  # S1: by itself
    total: float  # ST: with its interactions


@dataclass(frozen=True)
class Discovered:
    """One swept code."""

    place: int  # among the swept codes
    code: Code
    live: bool
    own: Moved  # the attribute of the largest S1
    others: tuple[Moved, ...]  # further attributes of noticeable ST, the largest first
    perceptual: float  # mean squared change of lite0 features, as a share of that between independent draws
    pixels: float  # the same of pixels
    bound: float | None  # information between the code and what the encoder reads off its image, in nats


@dataclass(frozen=True)
class Found:
    """An attribute, and the code that controls it best."""

    attribute: str
    code: int  # its place among the swept codes
    share: float  # S1

    @property
    def discovered(self) -> bool:
        return self.share >= CONTROLLED


@dataclass(frozen=True)
class Discovery:
    """The codes of a model, the most noticeable first, and the attributes, the best controlled first."""

    codes: tuple[Discovered, ...]
    attributes: tuple[Found, ...]
    dropped: Mapping[str, str]  # attributes that could not be measured, and why
    model_codes: int  # of the model, swept or not
    oracle: str
    no_bound: str  # why there is no bound; "" if there is one


def discover(context: EvaluationContext) -> Discovery:
    """Raises `NotMeasured` if no attribute varies over the images that the codes give."""
    measured, (bounds, no_bound) = control(context), bounds_of(context)
    columns = zip(perceptual_changes(context), pixel_changes(context), bounds, strict=True)
    codes = [_discovered(context, measured.effects, place, *numbers) for place, numbers in enumerate(columns)]
    attributes = found_attributes(measured.effects)
    return Discovery(tuple(ranked(codes)), attributes, measured.dropped, measured.codes, context.oracle.name, no_bound)


def ranked(codes: Sequence[Discovered]) -> list[Discovered]:
    """The most noticeable first: by the bound if there is one, else by the perceptual change."""
    return sorted(codes, key=lambda code: (code.bound or 0.0, code.perceptual, code.pixels), reverse=True)


def found_attributes(effects: Effects) -> tuple[Found, ...]:
    """Each attribute with the code that controls it best, the best controlled first."""
    best = effects.first.argmax(axis=0)
    found = [
        Found(name, int(code), float(effects.first[code, j]))
        for j, (name, code) in enumerate(zip(effects.attributes, best, strict=True))
    ]
    return tuple(sorted(found, key=lambda it: it.share, reverse=True))


def moved(effects: Effects, place: int) -> tuple[Moved, tuple[Moved, ...]]:
    """The attribute that a code moves most by itself, and the others that it moves noticeably."""
    rows = zip(effects.attributes, effects.first[place].tolist(), effects.total[place].tolist(), strict=True)
    each = [Moved(*row) for row in rows]
    own = each.pop(int(effects.own[place]))
    others = sorted((it for it in each if it.total >= NOTICEABLE), key=lambda it: it.total, reverse=True)
    return own, tuple(others)


def _discovered(
    context: EvaluationContext, effects: Effects, place: int, perceptual: float, pixels: float, bound: float | None
) -> Discovered:
    own, others = moved(effects, place)
    code = sweeps(context).grids[place].code
    return Discovered(place, code, bool(effects.live[place]), own, others, perceptual, pixels, bound)
