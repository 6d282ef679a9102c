"""The control of one model: draws, sweeps and effects, computed on first use and shared by all metrics."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bench.metrics.context import EvaluationContext
from bench.metrics.control.indices import ControlScores, Effects, effects, scores, standard_error
from bench.metrics.control.oracle import Attribute, Readings
from bench.metrics.control.sweeps import Draws, Sweeper, Sweeps
from bench.metrics.metric import NotMeasured

TINY = 1e-12  # instead of a variance of 0
VARIES = 0.01  # of the variance over real images, and of that of a uniform distribution over the span of an attribute


@dataclass(frozen=True)
class Varying:
    """The attributes that vary over real images and over draws, and why the others were dropped."""

    attributes: tuple[Attribute, ...]
    constant: dict[str, str]  # those that vary over real images, but not over draws
    unread: dict[str, str]  # those that vary over neither, or cannot be read

    @property
    def dropped(self) -> dict[str, str]:
        return self.unread | self.constant


@dataclass(frozen=True)
class Control:
    """The effects of the codes on the attributes, and the scores."""

    effects: Effects
    scores: ControlScores
    error: float  # standard error of the attribute control score
    dropped: dict[str, str]
    codes: int  # of the model, swept or not


def sweeper(context: EvaluationContext) -> Sweeper:
    return Sweeper(context.coder, context.spec.shape, context.device, context.seed)


def draws(context: EvaluationContext) -> Draws:
    """Independent draws of all codes, and the readings of their images."""
    count = sum(context.scale.draws)
    return context.memoize("code draws", lambda: sweeper(context).draws(count, context.oracle))


def sweeps(context: EvaluationContext) -> Sweeps:
    """The sweep of each code. Raises `BenchError` if decoding cannot be repeated."""
    make = lambda: sweeper(context).sweeps(draws(context), context.oracle, context.scale)  # noqa: E731
    return context.memoize("code sweeps", make)


def control(context: EvaluationContext) -> Control:
    """Raises `NotMeasured` if no attribute varies over the images that the codes give."""
    return context.memoize("control", lambda: _control(context))


def _control(context: EvaluationContext) -> Control:
    found = varying(context)
    swept = sweeps(context)
    variances = np.maximum([variance(swept.spread, attribute) for attribute in found.attributes], TINY)
    table = effects(swept.sweeps, found.attributes, variances)
    rng = np.random.default_rng([context.seed, 1])
    error = standard_error(swept.sweeps, found.attributes, variances, rng)
    return Control(table, scores(table), error, found.dropped, swept.codes)


def varying(context: EvaluationContext) -> Varying:
    """The attributes that vary over real images and over draws. Raises `NotMeasured` if there is none."""
    found = all_attributes(context)
    if not found.attributes:
        raise NotMeasured(f"no attribute varies over the images of the codes ({listed(found.dropped)})")
    return found


def all_attributes(context: EvaluationContext) -> Varying:
    """Raises `NotMeasured` if the oracle can read no attribute."""
    return context.memoize("varying attributes", lambda: _all_attributes(context))


def _all_attributes(context: EvaluationContext) -> Varying:
    oracle, kept = context.oracle, []
    if not oracle.attributes:
        raise NotMeasured(f"{oracle.name}: no attribute can be read reliably ({listed(oracle.left_out)})")
    real, drawn = real_readings(context), draws(context).readings
    constant: dict[str, str] = {}
    unread = dict(oracle.left_out)
    for attribute in oracle.attributes:
        own, truth = variance(drawn, attribute), variance(real, attribute)
        if truth < least_variance(attribute):
            unread[attribute.name] = "hardly varies over real images"
        elif own < VARIES * truth:
            constant[attribute.name] = f"varies {own / truth:.1%} as much as over real images"
        else:
            kept.append(attribute)
    return Varying(tuple(kept), constant, unread)


def least_variance(attribute: Attribute) -> float:
    """Of an attribute that counts as varying over real images."""
    return VARIES * attribute.span**2 / 12


def real_readings(context: EvaluationContext) -> Readings:
    """The readings of the test images."""
    make = lambda: context.oracle.read(context.test.images, context.device)  # noqa: E731
    return context.memoize("real readings", make)


def variance(readings: Readings, attribute: Attribute) -> float:
    """Of an attribute over images: the sum over its columns."""
    return float(readings[:, list(attribute.columns)].astype(np.float64).var(axis=0).sum())


def listed(reasons: Mapping[str, str]) -> str:
    """Names with their reasons, for a sentence."""
    return "; ".join(f"{name}: {reason}" for name, reason in reasons.items()) or "it has none"
