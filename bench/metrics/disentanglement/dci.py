"""Disentanglement, completeness, informativeness (DCI; Eastwood and Williams, ICLR 2018).

A learner predicts each factor from all codes and says how important each code was. Disentanglement: is each code
important for one factor only? Completeness: is one code important for each factor? Informativeness: how well are
factors predicted?
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.errors import BenchError, nearest
from bench.metrics.control.oracle import Kind
from bench.metrics.disentanglement.inputs import Array, Inputs, checked, require_rows
from bench.metrics.disentanglement.learners import LEARNERS, Learner, Learnt, Split

FEWEST_TRAIN, FEWEST_TEST = 40, 20


@dataclass(frozen=True, eq=False)
class DCI:
    """The three scores in [0, 1], the importance matrix (k, factors measured), and the informativeness by factor."""

    disentanglement: float
    completeness: float
    informativeness: float
    importances: Array
    informativeness_of: Mapping[int, float]
    left_out: tuple[int, ...]


def disentanglement_completeness_informativeness(
    codes: NDArray[np.floating],
    factors: Array,
    kinds: Sequence[Kind],
    learner: str = "quick",
    train: int = 10_000,
    test: int = 5_000,
    rng: int | np.random.Generator = 0,
    shuffle: bool = True,
) -> DCI:
    """DCI of codes (n, k) and factors (n, j), of which `train` rows are learnt from and `test` others predicted.

    `learner`: "quick" or "published", see `bench.metrics.disentanglement.learners`; `rng` chooses the rows,
    unless `shuffle` is false: then the first `train` rows are learnt from and the next `test` predicted. The
    importances for a factor sum to 1, or are all 0 if no code carries information about it; such a factor counts as 0
    in completeness. With a single code, every factor that it informs about is complete. Informativeness is 1 - test error / test error of the best constant,
    at least 0, so that factors of any kind are comparable; the error is the share of wrong classes (categorical), the
    mean squared error (linear) or that of cosine and sine together (circular). Raises `BenchError` as `inputs.checked`
    does, for fewer rows than train + test, train under 40, test under 20, and if fewer than two factors vary in both
    parts.
    """
    measure = "disentanglement, completeness, informativeness"
    if learner not in LEARNERS:
        raise BenchError(f"{measure}: unknown learner {learner!r}: {nearest(learner, LEARNERS)}")
    if train < FEWEST_TRAIN or test < FEWEST_TEST:
        raise BenchError(
            f"{measure}: expected train >= {FEWEST_TRAIN} and test >= {FEWEST_TEST}, got {train} and {test}"
        )
    inputs, rng = checked(codes, factors, kinds, measure, fewest_factors=2), np.random.default_rng(rng)
    require_rows(len(inputs.codes), train + test, measure)
    rows = rng.permutation(len(inputs.codes)) if shuffle else np.arange(len(inputs.codes))
    learn, predict = rows[:train], rows[train : train + test]
    inputs = inputs.varying(learn, predict)
    inputs.require_factors(2, measure)
    return _summary(inputs, _learn(inputs, learn, predict, LEARNERS[learner], rng))


def disentanglement(importances: Array) -> float:
    """Mean of 1 - entropy in base j of each code's row of importances (k, j), weighted by the sums of the rows.

    0 if all importances are 0.
    """
    weights = importances.sum(axis=1)
    return float(weights @ _concentration(importances) / weights.sum()) if weights.sum() > 0 else 0.0


def completeness(importances: Array) -> float:
    """Mean of 1 - entropy in base k of each factor's column of importances (k, j); a column of zeros counts 0."""
    return float(_concentration(importances.T).mean())


def _learn(
    inputs: Inputs, learn: NDArray[np.int64], predict: NDArray[np.int64], learner: Learner, rng: np.random.Generator
) -> list[Learnt]:
    x = inputs.codes
    return [
        learner(Split(x[learn], factor[learn], x[predict], factor[predict]), kind, rng)
        for factor, kind in zip(inputs.factors.T, inputs.kinds, strict=True)
    ]


def _summary(inputs: Inputs, learnt: list[Learnt]) -> DCI:
    importances = np.stack([it.importances for it in learnt], axis=1)
    informed = {column: it.informativeness for column, it in zip(inputs.columns, learnt, strict=True)}
    return DCI(
        disentanglement(importances),
        completeness(importances),
        float(np.mean(list(informed.values()))),
        importances,
        informed,
        inputs.left_out,
    )


def _concentration(rows: Array) -> Array:
    """1 - entropy of each row (m, d) in base d: 1 if one entry has all, 0 if all are equal or all are 0."""
    total = rows.sum(axis=1, keepdims=True)
    shares = np.divide(rows, total, out=np.zeros_like(rows), where=total > 0)
    logs = np.log(shares, out=np.zeros_like(shares), where=shares > 0)
    entropies = -(shares * logs).sum(axis=1) / np.log(max(rows.shape[1], 2))  # section 2
    return np.where(total[:, 0] > 0, 1 - entropies, 0.0)
