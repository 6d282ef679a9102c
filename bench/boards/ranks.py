"""Mean ranks of methods over several metrics, with bootstrap intervals over seeds and groups of what ties."""

import math
import random
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from statistics import correlation, fmean
from typing import Any, TypeVar

DRAWS = 1_000  # bootstrap replicates
COVERAGE = 0.95

Method = TypeVar("Method", bound=Hashable)  # whatever names one
Values = Mapping[int, float | None]  # by seed: the lower the better; None if that seed failed
Scores = Mapping[Method, Mapping[Any, Values]]  # by method and metric
Level = Callable[[Any, Any, tuple[int, ...]], float | None]  # of a method on a metric, over these seeds


@dataclass(frozen=True)
class Rank:
    """Where a method stands among the others: 1 is best."""

    mean: float
    low: float | None  # of the interval; None for a method with a single seed
    high: float | None
    group: int | None  # methods whose intervals overlap share one; None without an interval
    seeds: int


def rank(scores: Scores[Method], draws: int = DRAWS, seed: int = 0) -> dict[Method, Rank]:
    """The mean rank of each method, best first.

    Ties share the mean of their ranks. On a metric that a method lacks, or that failed for any of its seeds, it is
    ranked last. Each replicate draws the seeds of each method anew, with replacement.
    """
    metrics = list(dict.fromkeys(metric for row in scores.values() for metric in row))
    if not metrics:
        return {}
    seeds = {method: sorted({seed for row in scores[method].values() for seed in row}) for method in scores}

    @cache  # a few seeds have few draws
    def level(method: Method, metric: Any, drawn: tuple[int, ...]) -> float | None:
        return _level(scores[method].get(metric, {}), drawn)

    point = _mean_ranks(scores, metrics, seeds, level)
    replicates = _replicates(scores, metrics, seeds, draws, random.Random(seed), level)
    several = [method for method in scores if len(seeds[method]) > 1]
    intervals = {method: _interval(point[method], [draw[method] for draw in replicates]) for method in several}
    groups = tie_groups(intervals)
    ranks = {}
    for method in sorted(scores, key=lambda method: point[method]):
        low, high = intervals.get(method, (None, None))
        ranks[method] = Rank(point[method], low, high, groups.get(method), len(seeds[method]))
    return ranks


def tie_groups(intervals: Mapping[Method, tuple[float, float]]) -> dict[Method, int]:
    """Numbers from 1, best first: two methods with overlapping intervals share one, and so along a chain of them."""
    groups: dict[Method, int] = {}
    group, reach = 0, -math.inf
    for method, (low, high) in sorted(intervals.items(), key=lambda item: item[1]):
        group += low > reach
        reach = max(reach, high)
        groups[method] = group
    return groups


def positions(levels: Sequence[float | None]) -> list[float]:
    """Ranks from 1 for the lowest level; equal levels share the mean of theirs; None comes last."""
    keys = [(level is None, 0.0 if level is None else level) for level in levels]
    ordered = sorted(keys)
    return [(bisect_left(ordered, key) + bisect_right(ordered, key) + 1) / 2 for key in keys]


def _replicates(
    scores: Scores[Method],
    metrics: list[Any],
    seeds: Mapping[Method, list[int]],
    draws: int,
    rng: random.Random,
    level: Level,
) -> list[dict[Method, float]]:
    """Mean ranks, each with the seeds of every method drawn anew."""
    replicates = []
    for _ in range(draws):
        drawn = {method: rng.choices(own, k=len(own)) if own else [] for method, own in seeds.items()}
        replicates.append(_mean_ranks(scores, metrics, drawn, level))
    return replicates


def _mean_ranks(
    scores: Scores[Method], metrics: list[Any], seeds: Mapping[Method, Sequence[int]], level: Level
) -> dict[Method, float]:
    levels = ([level(method, metric, tuple(seeds[method])) for method in scores] for metric in metrics)
    columns = [positions(column) for column in levels]
    return dict(zip(scores, map(fmean, zip(*columns, strict=True)), strict=True))


def _level(values: Values, seeds: Sequence[int]) -> float | None:
    """The mean over these seeds; None where any seed of the method failed or nothing was measured."""
    if any(value is None or math.isnan(value) for value in values.values()):
        return None
    drawn = [value for seed in seeds if (value := values.get(seed)) is not None]
    level = sum(drawn) / len(drawn) if drawn else math.nan
    return None if math.isnan(level) else level


def _interval(point: float, replicates: list[float]) -> tuple[float, float]:
    """The central part of the replicates, widened to hold the point."""
    ordered = sorted(replicates)
    cut = math.floor(len(ordered) * (1 - COVERAGE) / 2)
    return min(point, ordered[cut]), max(point, ordered[-1 - cut])


def rank_correlation(first: Sequence[float], second: Sequence[float]) -> float | None:
    """Spearman's correlation of two metrics of the same methods; None for fewer than three, or if one is constant."""
    if len(first) < 3:
        return None
    columns = [positions(values) for values in (first, second)]
    if any(min(column) == max(column) for column in columns):
        return None
    return correlation(*columns)
