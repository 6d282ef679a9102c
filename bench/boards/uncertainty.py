"""Where the spread of a method's values comes from: from training it anew, and from sampling one model anew."""

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from bench.boards.over_seeds import deviation, mean
from bench.metrics.catalog import RANKED, SAMPLING_SD
from bench.results.record import Record

TITLE = "Variation from training and from sampling"
HEADS = ("method", "metric", "deviation over seeds", "from training", "from sampling", "seeds")
WHY = (
    "Each model is sampled three times. The variance over seeds has two parts: the variance from sampling is the mean "
    "variance among the samplings of one model, and the variance from training is the remainder, at least 0."
)


class Spread(NamedTuple):
    """Standard deviations of one metric of one method."""

    seeds: int
    total: float | None  # over seeds; None for a single one
    sampling: float  # of one model

    @property
    def training(self) -> float | None:
        """What training adds; None for a single seed."""
        return None if self.total is None else math.sqrt(max(0.0, self.total**2 - self.sampling**2))


def sampled_metric(record: Record) -> str:
    """The metric whose deviation over samplings a record holds, or ""."""
    metric, _, part = record.metric.partition("/")
    return (part or RANKED[0]) if metric == SAMPLING_SD else ""


def spread_of(values: Sequence[float], within: Iterable[float]) -> Spread | None:
    """From the values of seeds and the deviations within their models; None if either is missing or is not finite."""
    within = list(within)
    if not values or not within or not all(map(math.isfinite, [*values, *within])):
        return None
    sampling = math.sqrt(mean([each**2 for each in within]))
    return Spread(len(values), deviation(values) if len(values) > 1 else None, sampling)


def standard_error(values: Sequence[float], spread: Spread | None) -> float:
    """Of the mean of values over seeds; a single seed has the deviation over samplings alone, if that is known."""
    if len(values) > 1:
        return deviation(values) / math.sqrt(len(values))
    return spread.sampling if spread else 0.0
