"""Mutual information gap (MIG, arXiv 1802.04942): is each factor held by one code, and by no second one?"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bench.metrics.control.oracle import Kind
from bench.metrics.disentanglement.binning import BINS
from bench.metrics.disentanglement.information import information_matrix
from bench.metrics.disentanglement.inputs import Array, checked
from bench.metrics.disentanglement.score import Score


def mutual_information_gap(
    codes: NDArray[np.floating], factors: Array, kinds: Sequence[Kind], bins: int = BINS
) -> Score:
    """MIG of codes (n, k) and factors (n, j), in [0, 1]: the mean over factors, which are its parts.

    Mutual information is plug-in. Codes and continuous factors have `bins` equally wide bins. A code without variance
    has no information; if there is one code, the second-best mutual information is 0. A circular factor is measured
    as an angle, in fixed arcs: a code that holds its cosine carries less information about it than one that holds the
    angle, and if all angles lie in one arc its part is 0. A categorical factor of more values than bins cannot reach 1. Raises
    `BenchError` as `inputs.checked` does.
    """
    inputs = checked(codes, factors, kinds, "mutual information gap")
    shared, entropies = information_matrix(inputs, bins)
    gaps = gap_to_second(shared, np.zeros(len(entropies))) / np.where(entropies > 0, entropies, 1)  # section 4
    return Score(float(gaps.mean()), dict(zip(inputs.columns, gaps.tolist(), strict=True)), inputs.left_out)


def gap_to_second(scores: Array, nothing: Array) -> Array:
    """For each factor the best of the scores (k, j) minus the second best; `nothing` (j,) is the score of no code."""
    ranked = np.sort(np.vstack([scores, nothing]), axis=0)
    return ranked[-1] - ranked[-2]
