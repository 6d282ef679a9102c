"""Plug-in entropy and mutual information of binned columns, in nats.

The estimates are those of the empirical distribution. Mutual information of independent columns is not 0 but about
(a - 1)(b - 1) / 2n for a and b occupied bins and n rows.
"""

import numpy as np

from bench.metrics.disentanglement.binning import BINS, Bins, binned_factor, equal_width
from bench.metrics.disentanglement.inputs import Array, Inputs


def entropy(bins: Bins) -> float:
    """Entropy of one column of bins (n,): -sum p ln p."""
    return _entropy(np.bincount(bins))


def mutual_information(a: Bins, b: Bins) -> float:
    """Mutual information of two columns of bins (n,): H(a) + H(b) - H(a, b), at least 0."""
    together = np.bincount(a * (int(b.max()) + 1) + b)
    return max(0.0, entropy(a) + entropy(b) - _entropy(together))


def information_matrix(inputs: Inputs, bins: int = BINS) -> tuple[Array, Array]:
    """Mutual information of each code with each factor, (k, j), and the entropies of the factors, (j,)."""
    factors = [binned_factor(column, kind, bins) for column, kind in zip(inputs.factors.T, inputs.kinds, strict=True)]
    codes = [equal_width(column, bins) for column in inputs.codes.T]
    shared = np.array([[mutual_information(code, factor) for factor in factors] for code in codes])
    return shared, np.array([entropy(factor) for factor in factors])


def _entropy(counts: Bins) -> float:
    shares = counts[counts > 0] / counts.sum()
    return float(-(shares * np.log(shares)).sum())
