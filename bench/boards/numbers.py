"""The numbers of one column in the terminal: all with the same decimals, so that they align."""

import math
from collections.abc import Sequence
from statistics import median
from typing import NamedTuple

from bench.boards.over_seeds import deviation, mean

DIGITS = 3  # significant digits of the median value
USUAL_DECIMALS = 4  # more only if the median value needs them
MOST_DECIMALS = 6
HUGE = 1e9  # from here on a number is written with an exponent


class Number(NamedTuple):
    """A mean and its deviation over seeds as text; the deviation is empty if there is none to show."""

    mean: str
    deviation: str


def align(cells: Sequence[Sequence[float]], methods: Sequence[bool]) -> list[Number | None]:
    """The values of each cell as mean and deviation with the decimals of the column; None for a cell without values."""
    means = [mean(values) if values else math.nan for values in cells]
    deviations = [
        deviation(values) if math.isfinite(centre) else 0.0 for values, centre in zip(cells, means, strict=True)
    ]
    own = [centre for centre, method in zip(means, methods, strict=True) if method] or means
    spread = [error for error, method in zip(deviations, methods, strict=True) if method]
    places = decimals(own, means, spread)
    return [
        Number(fixed(centre, places), fixed(error, places) if round(error, places) else "") if values else None
        for values, centre, error in zip(cells, means, deviations, strict=True)
    ]


def decimals(typical: Sequence[float], every: Sequence[float], deviations: Sequence[float] = ()) -> int:
    """Decimals that show three digits of the median of `typical`, and one more if other values or deviations need it."""
    typical, every, deviations = _countable(typical), _countable(every), _countable(deviations)
    if all(value.is_integer() for value in [*every, *deviations]):
        return 0
    base = _decimals(median(typical or every or deviations), DIGITS)
    needed = [_decimals(value, 2) for value in typical] + [_decimals(value, 1) for value in every]
    needed += [places for value in deviations if (places := _decimals(value, 1)) <= base + 1]
    return min(MOST_DECIMALS, max(base, min(base + 1, USUAL_DECIMALS, max(needed))))


def fixed(value: float, places: int) -> str:
    """The value with this many decimals and commas between thousands; one that rounds to zero says so."""
    if math.isnan(value):
        return "nan"
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    if abs(value) >= HUGE:
        return f"{value:.2e}"
    text = f"{value:,.{places}f}"
    if float(text.replace(",", "")):
        return text
    least = f"{10.0**-places:.{places}f}"
    return text.lstrip("-") if not value else f"<{least}" if value > 0 else f">-{least}"


def _countable(values: Sequence[float]) -> list[float]:
    """Those that have digits to count: finite, not zero, and not written with an exponent."""
    return [abs(float(value)) for value in values if math.isfinite(value) and 0 < abs(value) < HUGE]


def _decimals(value: float, digits: int) -> int:
    return max(0, digits - 1 - math.floor(math.log10(value)))
