"""Whether a metric orders images of known quality as everyone would: if not, it says nothing about quality here."""

import math
from collections.abc import Mapping, Sequence
from itertools import product

from bench.boards.over_seeds import mean, same_within_error
from bench.boards.text import number
from bench.metrics.catalog import direction

DAMAGED, USELESS = ("blur", "slight-noise"), ("mean", "noise")
ORDER = (*product(("real",), DAMAGED + USELESS), *product(DAMAGED, USELESS))  # the second of each pair is worse
SLACK = 0.05  # of the way from `real` to a useless anchor: damage that a metric hardly sees may score better by so much


def misordered(values: Mapping[str, Sequence[float]], better: str | None) -> str:
    """Which anchor is scored as better than a better one, e.g. "noise 0.863, real 0.824"; empty if none is.

    values: of each anchor, over seeds. better: "lower" or "higher"; a metric without a direction orders nothing.
    """
    sign = direction(better)
    known = {name: list(found) for name, found in values.items() if len(found) and all(map(math.isfinite, found))}
    slack = _slack({name: mean(found) for name, found in known.items()})
    for good, bad in ORDER:
        if good in known and bad in known:
            first, second = known[good], known[bad]
            difference = sign * (mean(second) - mean(first))
            if difference < -(slack if bad in DAMAGED else 0) and not same_within_error(first, second):
                return f"{bad} {number(mean(second))}, {good} {number(mean(first))}"
    return ""


def _slack(scores: Mapping[str, float]) -> float:
    """By how much a damaged anchor may score better than `real`: without a useless one, by any amount."""
    ways = [abs(scores[name] - scores["real"]) for name in USELESS if name in scores and "real" in scores]
    return SLACK * max(ways) if ways else math.inf
