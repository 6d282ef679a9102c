"""Whether reconstructions keep the true factors of their images: position, scale, hue and what else the data set knows."""

from dataclasses import replace

import numpy as np

from bench.metrics.classes import class_names
from bench.metrics.context import EvaluationContext
from bench.metrics.control.factors import FactorOracle
from bench.metrics.metric import Measured, NotMeasured


def reconstructed_factors(context: EvaluationContext) -> Measured:
    """How well each factor of a test image is read from its reconstruction, mean over factors; one part per factor.

    1: every factor is read without error. 0: no better than a guess. Factors that the oracle cannot read reliably, and
    those with one value in the test images, are left out. Raises `NotMeasured` if no factor is left.
    """
    test, oracle = context.test, context.oracle
    parts: dict[str, float] = {}
    if isinstance(oracle, FactorOracle) and test.factors is not None:
        scores = oracle.scores(replace(test, images=context.reconstructions), context.device)
        for factor, values in zip(test.spec.factors, test.factors.T, strict=True):
            occurring = len(values.unique())
            if factor.name in scores and occurring > 1:
                guess = 1 / occurring if factor.kind == "categorical" else 0.0  # the balanced accuracy of one answer
                parts[factor.name] = max(0.0, (scores[factor.name] - guess) / (1 - guess))
    if not parts:
        raise NotMeasured(f"no factor of {test.spec.name} is known and can be read")
    named = dict(zip(class_names(tuple(parts)), parts.values(), strict=True))
    return Measured(float(np.mean(list(parts.values()))), context.n, named)
