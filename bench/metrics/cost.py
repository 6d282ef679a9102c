"""Metrics of the cost of training and sampling, which the host has measured."""

from collections.abc import Callable

from bench.errors import BenchError
from bench.metrics.context import EvaluationContext
from bench.metrics.metric import Measured


def cost(name: str) -> Callable[[EvaluationContext], Measured]:
    """The metric `name`: a cost of the training, or of drawing n samples."""

    def compute(context: EvaluationContext) -> Measured:
        if name not in context.costs:
            raise BenchError(f"{name} was not measured while training or sampling")
        return Measured(float(context.costs[name]), context.n if name.startswith("sample-") else 1)

    return compute
