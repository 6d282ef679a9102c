"""Learners that predict a factor from all codes and rate the importance of each code: quick, and as published.

Both predict a target vector: the value of a linear factor, cosine and sine of a circular one (an angle has no largest
value, which a regression would need), and the class of a categorical one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.metrics.control.oracle import Kind
from bench.metrics.disentanglement.inputs import Array

SURE = 3  # standard errors above 0 from which an importance counts


@dataclass(frozen=True, eq=False)
class Split:
    """Codes (n, k) and one factor (n,) in rows to learn from and rows to test on."""

    train_codes: Array
    train_factor: Array
    test_codes: Array
    test_factor: Array


@dataclass(frozen=True, eq=False)
class Learnt:
    """Importances (k,) of the codes, non-negative, summing to 1 or all 0, and the informativeness of all codes."""

    importances: Array
    informativeness: float


Learner = Callable[[Split, Kind, np.random.Generator], Learnt]


def quick(split: Split, kind: Kind, rng: np.random.Generator) -> Learnt:
    """Histogram gradient boosting (20 rounds of rate 0.3, 15 leaves) and permutation importance on the test rows.

    The importance of a code is the increase of the test error when its values are permuted, once. It is set to 0 if
    it is less than 3 standard errors, or if the prediction is no better than a constant; otherwise codes of noise would
    count as disentangled.
    """
    targets = _targets(split.train_factor, kind)
    models = [_quick_model(kind).fit(split.train_codes, target) for target in targets]
    errors = _errors(models, split.test_codes, split.test_factor, kind)
    informativeness = _informativeness(errors, split, kind)
    increases = np.zeros(split.test_codes.shape[1])
    if informativeness > 0:
        for code in np.flatnonzero(np.ptp(split.train_codes, axis=0) > 0):
            permuted = split.test_codes.copy()
            permuted[:, code] = rng.permutation(permuted[:, code])
            increase = _errors(models, permuted, split.test_factor, kind) - errors
            doubt = SURE * increase.std() / len(increase) ** 0.5
            increases[code] = increase.mean() if increase.mean() > doubt else 0.0
    return Learnt(_normalised(increases), informativeness)


def published(split: Split, kind: Kind, rng: np.random.Generator) -> Learnt:
    """Gradient boosting with scikit-learn's defaults (100 rounds of rate 0.1, depth 3) and its impurity importances.

    The importances sum to 1, even for codes of noise, unless all codes are constant. Those of cosine and sine are
    averaged, weighted by their variances.
    """
    targets = _targets(split.train_factor, kind)
    seed = int(rng.integers(2**31))
    models = [_published_model(kind, seed).fit(split.train_codes, target) for target in targets]
    errors = _errors(models, split.test_codes, split.test_factor, kind)
    weights = [target.var() for target in targets]
    importances = sum(weight * model.feature_importances_ for weight, model in zip(weights, models, strict=True))
    return Learnt(_normalised(np.asarray(importances)), _informativeness(errors, split, kind))


LEARNERS: dict[str, Learner] = {"quick": quick, "published": published}


def _quick_model(kind: Kind) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    model = HistGradientBoostingClassifier if kind == "categorical" else HistGradientBoostingRegressor
    return model(max_iter=20, learning_rate=0.3, max_leaf_nodes=15, early_stopping=False)


def _published_model(kind: Kind, seed: int) -> Any:
    from sklearn.ensemble import GradientBoostingClassifier, GradientBoostingRegressor

    return (GradientBoostingClassifier if kind == "categorical" else GradientBoostingRegressor)(random_state=seed)


def _targets(factor: Array, kind: Kind) -> list[Array]:
    """What models are fitted to, one model each."""
    if kind == "circular":
        return [np.cos(2 * np.pi * factor), np.sin(2 * np.pi * factor)]
    return [factor]


def _errors(models: list[Any], codes: Array, factor: Array, kind: Kind) -> Array:
    """The error of the prediction for each row: 1 for a wrong class, else the squared distance from the target."""
    return _distance([model.predict(codes) for model in models], _targets(factor, kind), kind)


def _distance(predictions: list[Any], targets: list[Array], kind: Kind) -> Array:
    if kind == "categorical":
        return (predictions[0] != targets[0]).astype(np.float64)
    return sum((a - b) ** 2 for a, b in zip(predictions, targets, strict=True)) + np.zeros(len(targets[0]))


def _informativeness(errors: Array, split: Split, kind: Kind) -> float:
    """1 - test error / test error of the best constant, at least 0."""
    best = [_constant(target, kind) for target in _targets(split.train_factor, kind)]
    constant = _distance(best, _targets(split.test_factor, kind), kind).mean()
    return max(0.0, 1 - float(errors.mean() / constant)) if constant > 0 else 0.0


def _constant(target: Array, kind: Kind) -> float | NDArray[np.float64]:
    return float(np.bincount(target.astype(np.int64)).argmax()) if kind == "categorical" else target.mean()


def _normalised(importances: Array) -> Array:
    total = importances.sum()
    return importances / total if total > 0 else np.zeros_like(importances)
