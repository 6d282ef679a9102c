"""Train new seeds of published methods, and test whether they agree with the published ones.

Trainings in bfloat16 on another CPU end elsewhere even for the same seed, so a single number cannot be compared: the
question is whether new seeds look like draws from what was published.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.boards.over_seeds import deviation, mean
from bench.boards.view import Line, Section
from bench.execution.carry_out import carry_out
from bench.execution.conditions import Conditions
from bench.execution.session import Show
from bench.execution.verify import plan_again
from bench.experiment.job import Job
from bench.metrics.catalog import info
from bench.results.record import Record

LEVEL = 0.05  # for all metrics of a method together


@dataclass(frozen=True)
class Agreement:
    """One metric of one method: published and new values, and how likely such a difference is if both are alike."""

    label: str
    metric: str
    published: tuple[float, ...]
    new: tuple[float, ...]
    p: float | None  # None with too few values or without any spread
    agrees: bool


def new_seeds(section: Section, line: Line, count: int) -> tuple[int, ...]:
    """The next seeds that the method has not been trained with."""
    first = max(section.seeds_of(line)) + 1
    return tuple(range(first, first + count))


def retrain(
    section: Section, line: Line, job: Job, seeds: Sequence[int], runs: Path, work: Path, show: Show
) -> list[Agreement]:
    """Train `seeds` of the method that `job` stands for, in `runs`, and compare every metric but costs.

    Raises `BenchError` if the method cannot be trained here.
    """
    plan = plan_again(job, ",".join(map(str, seeds)))
    records = carry_out(plan, Conditions(runs, work), show).records
    label = f"{line.entry} {line.settings}".strip()
    pairs = {column.metric: section.cell(line, column).values for column in section.main}
    found = {metric: (own, _values(records, metric)) for metric, own in pairs.items()}
    tested = {metric: both for metric, both in found.items() if all(both)}
    values = {metric: p_value(*both) for metric, both in tested.items()}
    least = LEVEL / max(1, sum(p is not None for p in values.values()))  # Bonferroni
    return [
        Agreement(label, metric, tuple(own), tuple(new), values[metric], (p := values[metric]) is None or p >= least)
        for metric, (own, new) in tested.items()
    ]


def p_value(published: Sequence[float], new: Sequence[float]) -> float | None:
    """Student's two-sample test; 1 for equal constants. None for fewer than three values, or constants that differ:
    without a spread nothing can be said.
    """
    from scipy.stats import ttest_ind

    if len(published) + len(new) < 3 or not all(map(math.isfinite, [*published, *new])):
        return None
    if not deviation(published) and not deviation(new):
        return 1.0 if mean(published) == mean(new) else None
    return float(ttest_ind(published, new).pvalue)


def _values(records: Sequence[Record], metric: str) -> list[float]:
    return [r.value for r in records if r.metric == metric and r.value is not None and not info(metric).cost]
