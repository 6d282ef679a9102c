"""Separated attribute predictability (SAP, arXiv 1711.00848, section 3): is one code enough to predict each factor?"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bench.metrics.control.oracle import Kind
from bench.metrics.disentanglement.inputs import Array, checked
from bench.metrics.disentanglement.mig import gap_to_second
from bench.metrics.disentanglement.score import Score
from bench.metrics.disentanglement.thresholds import balanced_accuracy


def separated_attribute_predictability(codes: NDArray[np.floating], factors: Array, kinds: Sequence[Kind]) -> Score:
    """SAP of codes (n, k) and factors (n, j), in [0, 1]: the mean over factors, which are its parts.

    The part of a factor is the gap between the scores of its best and its second-best code. The score of a code is
    its squared correlation with a linear factor; the R2 with which it predicts cosine and sine of a circular one
    linearly, taken together (a code that is the angle itself has 0.30); and the balanced accuracy of the best
    thresholds for a categorical one, on the same rows. A code without variance predicts as a constant does: 0, or
    1 / c for c values. If there is one code, that is the second-best score. Raises `BenchError` as `inputs.checked`
    does.
    """
    inputs = checked(codes, factors, kinds, "separated attribute predictability")
    pairs = list(zip(inputs.factors.T, inputs.kinds, strict=True))
    scores = np.array([[_score(code, factor, kind) for factor, kind in pairs] for code in inputs.codes.T])
    nothing = np.array([1 / (factor.max() + 1) if kind == "categorical" else 0.0 for factor, kind in pairs])
    gaps = gap_to_second(scores, nothing)
    return Score(float(gaps.mean()), dict(zip(inputs.columns, gaps.tolist(), strict=True)), inputs.left_out)


def _score(code: Array, factor: Array, kind: Kind) -> float:
    if kind == "categorical":
        return balanced_accuracy(code, factor.astype(np.int64))
    if kind == "circular":
        angle = 2 * np.pi * factor
        return _explained(code, np.stack([np.cos(angle), np.sin(angle)], axis=1))
    return _explained(code, factor[:, None])


def _explained(code: Array, targets: Array) -> float:
    """Share of the variance of the targets (n, d) that a linear function of the code (n,) explains."""
    code, targets = code - code.mean(), targets - targets.mean(axis=0)
    variance = (code**2).sum() * (targets**2).sum()
    return float(((code @ targets) ** 2).sum() / variance) if variance > 0 else 0.0
