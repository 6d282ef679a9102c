"""Whether a metric orders images of known quality as everyone would: if not, it says nothing about quality here."""

import math
from collections.abc import Mapping, Sequence

from bench.boards.over_seeds import mean, same_within_error
from bench.boards.text import number

ORDER = (("real", "mean"), ("real", "noise"))  # the second of each pair is worse on every data set


def misordered(values: Mapping[str, Sequence[float]], better: str | None) -> str:
    """Which anchor is scored as better than a better one, e.g. "noise 0.863, real 0.824"; empty if none is.

    values: of each anchor, over seeds. better: "lower" or "higher"; a metric without a direction orders nothing.
    """
    sign = {"lower": 1.0, "higher": -1.0}.get(better or "", 0.0)
    for good, bad in ORDER:
        first, second = list(values.get(good, ())), list(values.get(bad, ()))
        if first and second and all(map(math.isfinite, first + second)):
            difference = sign * (mean(second) - mean(first))
            if difference < 0 and not same_within_error(first, second):
                return f"{bad} {number(mean(second))}, {good} {number(mean(first))}"
    return ""
