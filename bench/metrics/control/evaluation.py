"""The control of one model: draws, sweeps and effects, computed on first use and shared by all metrics."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.metrics.context import EvaluationContext
from bench.metrics.control.indices import ControlScores, Effects, effects, scores, standard_error
from bench.metrics.control.oracle import Attribute, Readings
from bench.metrics.control.sweeps import Draws, Sweeper, Sweeps
from bench.metrics.metric import NotMeasured

VARIES = 0.01  # of the variance over real images, and of that of a uniform distribution over the span of an attribute


@dataclass(frozen=True)
class Varying:
    """The attributes that can be controlled, their variances over draws, and why the others were dropped."""

    attributes: tuple[Attribute, ...]
    variances: NDArray[np.float64]  # of the attributes
    dropped: dict[str, str]


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
    scale = context.scale
    make = lambda: sweeper(context).sweeps(draws(context), context.oracle, scale.contexts, scale.values)  # noqa: E731
    return context.memoize("code sweeps", make)


def control(context: EvaluationContext) -> Control:
    """Raises `NotMeasured` if no attribute varies over the images that the codes give."""
    return context.memoize("control", lambda: _control(context))


def _control(context: EvaluationContext) -> Control:
    found = varying(context)
    swept = sweeps(context)
    table = effects(swept.sweeps, found.attributes, found.variances)
    rng = np.random.default_rng([context.seed, 1])
    error = standard_error(swept.sweeps, found.attributes, found.variances, rng)
    return Control(table, scores(table), error, found.dropped, swept.codes)


def varying(context: EvaluationContext) -> Varying:
    """The attributes that vary over real images and over draws. Raises `NotMeasured` if there is none."""
    return context.memoize("varying attributes", lambda: _varying(context))


def _varying(context: EvaluationContext) -> Varying:
    oracle, real = context.oracle, real_readings(context)
    if not oracle.attributes:
        raise NotMeasured(f"{oracle.name}: no attribute can be read reliably ({_list(oracle.left_out)})")
    drawn = draws(context).readings
    kept: list[tuple[Attribute, float]] = []
    dropped = dict(oracle.left_out)
    for attribute in oracle.attributes:
        own, truth = _variance(drawn, attribute), _variance(real, attribute)
        if truth < VARIES * attribute.span**2 / 12:
            dropped[attribute.name] = "hardly varies over real images"
        elif own < VARIES * truth:
            dropped[attribute.name] = f"varies {own / truth:.1%} as much as over real images"
        else:
            kept.append((attribute, own))
    if not kept:
        raise NotMeasured(f"no attribute varies over the images of the codes ({_list(dropped)})")
    attributes, variances = zip(*kept, strict=True)
    return Varying(tuple(attributes), np.array(variances), dropped)


def real_readings(context: EvaluationContext) -> Readings:
    """The readings of the test images."""
    make = lambda: context.oracle.read(context.test.images, context.device)  # noqa: E731
    return context.memoize("real readings", make)


def _variance(readings: Readings, attribute: Attribute) -> float:
    return float(readings[:, list(attribute.columns)].astype(np.float64).var(axis=0).sum())


def _list(reasons: Mapping[str, str]) -> str:
    return "; ".join(f"{name}: {reason}" for name, reason in reasons.items()) or "it has none"
