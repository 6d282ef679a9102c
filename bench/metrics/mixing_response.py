"""The dose-response curve of class mixing: the share of a class that is asked for against the judge's probability."""

import numpy as np
import torch
from torch import Tensor

from bench.errors import BenchError
from bench.metrics.context import EvaluationContext
from bench.metrics.metric import Measured, NotMeasured
from bench.metrics.mixing import PAIRS, pairs
from bench.metrics.sampling import checked
from bench.training_run import generator

DOSES = tuple(step / 10 for step in range(11))  # of the first class


def mixture_response(context: EvaluationContext) -> Measured:
    """Spearman correlation of the dose with the judge's probability of the class, mean over pairs.

    The random state is the same for all doses. Parts: the mean probability at each dose.
    """
    from scipy.stats import spearmanr

    curves = response(context).numpy()
    correlations = [spearmanr(DOSES, curve).statistic if np.ptp(curve) > 0 else 0.0 for curve in curves]
    means = curves.mean(axis=0).tolist()
    return Measured(float(np.mean(correlations)), PAIRS, {f"{d:g}": p for d, p in zip(DOSES, means, strict=True)})


def mixture_calibration(context: EvaluationContext) -> Measured:
    """Mean |probability - dose| over pairs and doses: 0 if the judge says one half for half of a class, in each mixture."""
    curves = response(context)
    return Measured(float((curves - torch.tensor(DOSES, dtype=curves.dtype)).abs().mean()), PAIRS)


def response(context: EvaluationContext) -> Tensor:
    """The judge's probability of the first class of each pair at each dose, (pairs, doses)."""
    return context.memoize("mixture response", lambda: _response(context))


def _response(context: EvaluationContext) -> Tensor:
    k = len(context.spec.classes)
    if k < 2:
        raise NotMeasured(f"expected at least two classes, got {k}")
    if context.model is None:
        raise BenchError("mixtures need a model")
    a, b = pairs(k)
    rows, columns = torch.arange(PAIRS), []
    for dose in DOSES:
        weights = torch.zeros(PAIRS, k)
        weights[rows, a], weights[rows, b] = dose, 1 - dose
        rng = generator(context.device, context.seed, "mixture response")
        drawn = context.model.sample_mixture(weights.to(context.device), rng)  # type: ignore[operator]
        pixels = checked(drawn, (PAIRS, *context.spec.shape), context.device, "mixtures")
        columns.append(context.judge_logits(pixels).double().softmax(1)[rows, a])
    return torch.stack(columns, dim=1)
