"""Sobol indices of codes on attributes, and the scores that are computed from them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.metrics.control.oracle import Attribute

Floats = NDArray[np.float64]
LIVE = 0.05  # total effect on some attribute from which a code counts as live
DRAWS = 200  # bootstrap draws of a standard error


@dataclass(frozen=True)
class Sweep:
    """The readings of images along one code, everything else held fixed in each of n contexts."""

    name: str
    values: Floats  # (m,), in ascending order if the code is ordered
    shares: Floats  # (m,): the mean of a reading over the prior of the code is that of its values with these weights
    readings: Floats  # (n, m, columns)
    ordered: bool
    products: Floats | None = None  # (m, m): its mean square, likewise; by default diag(shares), for discrete codes


@dataclass(frozen=True)
class Effects:
    """The effects of k codes on j attributes, each of shape (k, j), as shares of the variance of the attribute."""

    codes: tuple[str, ...]
    attributes: tuple[str, ...]
    first: Floats  # S1: of the code by itself
    total: Floats  # ST: with its interactions
    rank: Floats  # Spearman correlation of code and attribute; nan for a code or an attribute without an order

    @property
    def live(self) -> NDArray[np.bool_]:
        """Which codes have a noticeable effect, (k,)."""
        return self.total.max(axis=1) >= LIVE

    @property
    def own(self) -> NDArray[np.int64]:
        """The attribute that each code moves most by itself, (k,); of several, the one that it moves most in all."""
        return _best(self.first, self.total, axis=1)


@dataclass(frozen=True)
class ControlScores:
    """The scores of a table of effects (control.md, section 3): each is a mean over attributes or over live codes."""

    acs: float  # attribute control score, in [-1, 1]
    control: float
    selectivity: float | None  # None without a live code
    monotonicity: float | None  # None if no live code and its attribute have an order
    live: float  # fraction of the codes
    leakage: float | None  # None without a live code


def effects(sweeps: Sequence[Sweep], attributes: Sequence[Attribute], variances: Floats, most: float = 1.0) -> Effects:
    """S1, ST and rank correlations of each code on each attribute.

    `variances` (j,): the variance of each attribute over independent draws of all codes, the sum over its columns. It is
    an estimate, so a share of it may come out slightly above 1: `most` is the largest to return.
    """
    equal = np.full((1, len(sweeps[0].readings)), 1 / len(sweeps[0].readings))
    first, total = (np.minimum(table[0], most) for table in _indices(sweeps, attributes, variances, equal))
    rank = np.array([[_rank(sweep, attribute) for attribute in attributes] for sweep in sweeps])
    names = tuple(sweep.name for sweep in sweeps), tuple(attribute.name for attribute in attributes)
    return Effects(*names, first, total, rank)


def scores(effects: Effects) -> ControlScores:
    """The scores of a table of effects."""
    first, total, live = effects.first, effects.total, effects.live
    own = effects.own  # j*(k)
    selectivity, ranks = _gaps(first, total, axis=1)[live], np.abs(effects.rank[np.arange(len(own)), own])[live]
    spilled = 1 - total[np.arange(len(own)), own] / np.maximum(total.sum(axis=1), 1e-12)
    return ControlScores(
        acs=float(_gaps(first, total, axis=0).mean()),
        control=float(first.max(axis=0).mean()),
        selectivity=_mean(selectivity),
        monotonicity=_mean(ranks[np.isfinite(ranks)]),
        live=float(live.mean()),
        leakage=_mean(spilled[live]),
    )


def attribute_gaps(effects: Effects) -> dict[str, float]:
    """S1 of the code that controls an attribute best, minus the largest ST of any other code on it."""
    return dict(zip(effects.attributes, _gaps(effects.first, effects.total, axis=0).tolist(), strict=True))


def standard_error(
    sweeps: Sequence[Sweep], attributes: Sequence[Attribute], variances: Floats, rng: np.random.Generator
) -> float:
    """The standard error of the attribute control score: its deviation over bootstrap draws of the contexts."""
    n = len(sweeps[0].readings)
    weights = rng.multinomial(n, np.full(n, 1 / n), size=DRAWS) / n
    first, total = (np.minimum(table, 1.0) for table in _indices(sweeps, attributes, variances, weights))
    return float(np.std([_gaps(a, b, axis=0).mean() for a, b in zip(first, total, strict=True)], ddof=1))


def _indices(
    sweeps: Sequence[Sweep], attributes: Sequence[Attribute], variances: Floats, weights: Floats
) -> tuple[Floats, Floats]:
    """S1 and ST, each (b, k, j), for b rows of weights of the contexts (b, n)."""
    pairs = [_of_columns(sweep, weights) for sweep in sweeps]
    own = [list(attribute.columns) for attribute in attributes]
    first, total = (
        np.stack([np.stack([part[:, c].sum(axis=1) for c in own], axis=1) for part in parts], axis=1)
        for parts in zip(*pairs, strict=True)
    )
    return np.round(np.maximum(first, 0) / variances, 12), np.round(total / variances, 12)


def _of_columns(sweep: Sweep, weights: Floats) -> tuple[Floats, Floats]:
    """The numerators of S1 and ST for each column of the readings, each (b, columns): mi_control.md, 2.5."""
    n, products = len(sweep.readings), np.diag(sweep.shares) if sweep.products is None else sweep.products
    centred = sweep.readings - np.einsum("m,nmc->nc", sweep.shares, sweep.readings)[:, None]  # in each context
    total = weights @ _squares(centred, products)
    mean = _squares(np.einsum("bn,nmc->bmc", weights, centred), products)
    spread = (total - mean) * n / max(n - 1, 1)  # e: of the doubly centred readings
    return mean - spread / n, total


def _squares(readings: Floats, products: Floats) -> Floats:
    """The mean square over the prior of a code of readings (n, m, columns) at its values, (n, columns)."""
    return np.einsum("nmc,nmc->nc", np.einsum("ml,nlc->nmc", products, readings), readings)


def _gaps(first: Floats, total: Floats, axis: int) -> Floats:
    """The largest S1 along an axis, minus the largest ST of the others; 0 is the largest of none."""
    best = np.expand_dims(_best(first, total, axis), axis)
    others = total.copy()
    np.put_along_axis(others, best, 0.0, axis)
    return np.take_along_axis(first, best, axis).squeeze(axis) - others.max(axis=axis)


def _best(first: Floats, total: Floats, axis: int) -> NDArray[np.int64]:
    """Where S1 is largest along an axis; of several, where ST is."""
    return (first + 1e-9 * total).argmax(axis=axis)


def _rank(sweep: Sweep, attribute: Attribute) -> float:
    """Spearman correlation of the values of a code with the mean of an attribute; 0 if the attribute is constant."""
    from scipy.stats import spearmanr

    if not sweep.ordered or attribute.kind != "linear" or len(sweep.values) < 3:
        return float("nan")
    means = sweep.readings[:, :, attribute.columns[0]].mean(axis=0)
    constant = np.ptp(means) == 0 or np.ptp(sweep.values) == 0
    return 0.0 if constant else float(spearmanr(sweep.values, means).statistic)


def _mean(values: Floats) -> float | None:
    return float(values.mean()) if len(values) else None
