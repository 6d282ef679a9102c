"""Kernel distance (KID, arXiv 1801.01401): unbiased squared MMD under the kernel (x.y / d + 1)^3, mean over subsets."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from bench.metrics.cache import Array
from bench.metrics.context import EvaluationContext
from bench.metrics.metric import Measured
from bench.training_run import generator

SUBSETS = 20


def subset_size(n: int, reference: int) -> int:
    """The size of one subset: a quarter of the smaller set, between 2 and 1,000."""
    return min(1000, max(2, min(n, reference) // 4))


def kernel_distance(x: Array, y: Array, subsets: int, size: int) -> tuple[float, float]:
    """Mean and standard deviation over `subsets` pairs of random subsets of `size` rows; unbiased, so it may be < 0."""
    rng = generator("cpu", "kid", subsets, size)
    a, b = (torch.from_numpy(np.asarray(value)).double() for value in (x, y))
    values = [
        _squared_mmd(
            a[torch.randperm(len(a), generator=rng)[:size]],
            b[torch.randperm(len(b), generator=rng)[:size]],
        )
        for _ in range(subsets)
    ]
    return float(np.mean(values)), float(np.std(values))


def _squared_mmd(x: Tensor, y: Tensor) -> float:
    m = len(x)
    within = sum(k.sum() - k.diagonal().sum() for k in (_kernel(x, x), _kernel(y, y)))
    return float(within / (m * (m - 1)) - 2 * _kernel(x, y).mean())


def _kernel(x: Tensor, y: Tensor) -> Tensor:
    return (x @ y.T / x.shape[1] + 1) ** 3


def kid(space: str) -> Callable[[EvaluationContext], Measured]:
    """Kernel distance between samples and reference images. Part `sd`: the standard deviation over subsets."""

    def compute(context: EvaluationContext) -> Measured:
        size = subset_size(context.n, context.reference)
        value, spread = kernel_distance(context.features(space), context.real_features(space), SUBSETS, size)
        return Measured(value, context.n, {"sd": spread})

    return compute
