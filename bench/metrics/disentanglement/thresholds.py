"""The best classification of one number by thresholds: exact, up to a fine binning by ranks."""

import numpy as np

from bench.metrics.disentanglement.binning import Bins
from bench.metrics.disentanglement.inputs import Array

RANK_BINS = 256


def balanced_accuracy(values: Array, labels: Bins) -> float:
    """The best balanced accuracy of predicting labels 0..c-1 (n,) by thresholds on values (n,); every label occurs.

    c - 1 thresholds cut the line into c intervals, each of which is assigned to one class. Of all such assignments
    this is the largest mean recall over classes, on the same rows: at least 1 / c, which a constant value has. The
    thresholds lie between the values, or between 256 groups of equal size if there are more distinct values.
    """
    counts = np.zeros((RANK_BINS, labels.max() + 1))
    np.add.at(counts, (rank_bins(values), labels), 1)
    recalls = counts / counts.sum(axis=0) / counts.shape[1]  # what a class gains by being assigned a bin
    return float(_best_path(recalls[counts.sum(axis=1) > 0]))


def rank_bins(values: Array) -> Bins:
    """The bin of each value (n,) in 0..255: equal values share a bin, and no order is changed."""
    distinct, index, counts = np.unique(values, return_inverse=True, return_counts=True)
    if len(distinct) <= RANK_BINS:
        return index
    middles = np.cumsum(counts) - counts / 2
    return (middles / len(values) * RANK_BINS).astype(np.int64)[index]


def _best_path(gains: Array) -> float:
    """The largest sum over rows of gains (bins, c) of one column each, where the column changes at most c - 1 times."""
    classes = gains.shape[1]
    best = np.full((classes, classes), -np.inf)  # after so many changes, in this class
    best[0] = 0.0
    for gain in gains:
        best[1:] = np.maximum(best[1:], best[:-1].max(axis=1, keepdims=True))
        best += gain
    return best.max()
