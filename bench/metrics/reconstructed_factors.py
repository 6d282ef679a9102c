"""Whether reconstructions keep the true factors of their images: position, scale, hue and what else the data set knows."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from bench.api import Factor
from bench.metrics.classes import class_names
from bench.metrics.context import EvaluationContext
from bench.metrics.metric import Measured, NotMeasured

Readings = NDArray[np.float64]  # of one factor, (n, columns)
Truth = NDArray[np.float64]  # (n,)


def reconstructed_factors(context: EvaluationContext) -> Measured:
    """How well each factor of a test image is read from its reconstruction, mean over factors; one part per factor.

    1: every factor is read without error. 0: no better than a guess. Factors that the oracle cannot read reliably, and
    those with one value in the test images, are left out. Raises `NotMeasured` if no factor is left.
    """
    truth, readings = context.test.factors, None
    factors = {factor.name: column for column, factor in enumerate(context.spec.factors)}
    parts = {}
    for attribute in context.oracle.attributes if truth is not None and factors else ():
        column = factors[attribute.name]
        true = truth[:, column].double().numpy()  # type: ignore[index]
        if np.ptp(true):
            if readings is None:
                readings = context.oracle.read(context.reconstructions, context.device).astype(np.float64)
            parts[attribute.name] = recovery(context.spec.factors[column], readings[:, attribute.columns], true)
    if not parts:
        raise NotMeasured(f"no factor of {context.spec.name} is known and can be read")
    named = dict(zip(class_names(tuple(parts)), parts.values(), strict=True))
    return Measured(float(np.mean(list(parts.values()))), context.n, named)


def recovery(factor: Factor, readings: Readings, truth: Truth) -> float:
    """1 if a factor is read without error, 0 if no better than by a guess, from readings as `Oracle.read` returns them."""
    return max(0.0, _SCORES[factor.kind](factor, readings, truth))


def _linear(factor: Factor, readings: Readings, truth: Truth) -> float:
    """R2, the explained share of the variance."""
    return float(1 - np.mean((readings[:, 0] - truth) ** 2) / truth.var())


def _circular(factor: Factor, readings: Readings, truth: Truth) -> float:
    """The mean cosine of the error."""
    angle = (truth - factor.low) * (2 * np.pi / (factor.high - factor.low))
    return float(np.mean(readings[:, 0] * np.cos(angle) + readings[:, 1] * np.sin(angle)))


def _categorical(factor: Factor, readings: Readings, truth: Truth) -> float:
    """Balanced accuracy over the k values that occur, from 1 / k to 1, on a scale from 0 to 1."""
    count = readings.shape[1]
    index = np.rint((truth - factor.low) / (factor.high - factor.low) * (count - 1)).astype(int)
    right = readings.argmax(axis=1) == index
    occurring = np.unique(index)
    accuracy = float(np.mean([right[index == value].mean() for value in occurring]))
    return (accuracy * len(occurring) - 1) / (len(occurring) - 1)


_SCORES: dict[str, Callable[[Factor, Readings, Truth], float]] = {
    "linear": _linear, "circular": _circular, "categorical": _categorical,
}  # fmt: skip
