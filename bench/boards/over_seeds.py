"""Mean, deviation and error over the seeds of a cell. Finite values of any size are supported."""

import math
import statistics
from collections.abc import Sequence


def mean(values: Sequence[float]) -> float:
    """The mean of at least one value, exact before it is rounded; infinite or NaN if a value is."""
    return statistics.mean(map(float, values))


def deviation(values: Sequence[float]) -> float:
    """The sample standard deviation; 0 for a single value, NaN if a value is not finite."""
    if not all(map(math.isfinite, values)):
        return math.nan
    try:
        return statistics.stdev(map(float, values)) if len(values) > 1 else 0.0
    except OverflowError:
        return math.inf


def same_within_error(first: Sequence[float], second: Sequence[float], errors: float = 2.0) -> bool:
    """Whether two means lie within this many standard errors of their difference."""
    error = math.hypot(*(deviation(values) / math.sqrt(len(values)) for values in (first, second)))
    return abs(mean(first) - mean(second)) <= errors * error
