"""How much the ranked metrics of one trained model change from one sampling to the next."""

import statistics
from collections.abc import Callable, Sequence

from bench.metrics.context import EvaluationContext
from bench.metrics.metric import Measured, Metric, NotMeasured
from bench.metrics.scale import SMALL

SAMPLINGS = 3  # of a model, the one that everything is measured on included
FEWEST = SMALL  # samples


def sampling_sd(metrics: Sequence[Metric]) -> Callable[[EvaluationContext], Measured]:
    """The sample standard deviation of the first metric over samplings; parts: that of each other metric, by its name.

    A metric that the model cannot have, or that does not apply to these images, is left out.
    """
    first = metrics[0].name

    def compute(context: EvaluationContext) -> Measured:
        if context.n < FEWEST:
            raise NotMeasured(f"expected at least {FEWEST} samples, got {context.n}")
        if context.sample_again is None:
            raise NotMeasured("an entry without a model cannot be sampled again")
        contexts = [context, *map(context.sample_again, range(1, SAMPLINGS))]
        found = {metric.name: _deviation(metric, contexts) for metric in metrics if _applies(metric, context)}
        parts = {name: value for name, value in found.items() if value is not None and name != first}
        value = found.get(first)
        if value is None:
            raise NotMeasured(f"{first} is not measured")
        return Measured(value, context.n, parts)

    return compute


def _applies(metric: Metric, context: EvaluationContext) -> bool:
    return not metric.missing(context.model, context.conditional, classes=context.spec.has_classes)


def _deviation(metric: Metric, contexts: Sequence[EvaluationContext]) -> float | None:
    try:
        return statistics.stdev(metric.compute(context).value for context in contexts)
    except NotMeasured:
        return None
