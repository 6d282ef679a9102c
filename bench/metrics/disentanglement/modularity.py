"""Modularity (arXiv 1802.05312, section 3): does each code hold one factor only?"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bench.metrics.control.oracle import Kind
from bench.metrics.disentanglement.binning import BINS
from bench.metrics.disentanglement.information import information_matrix
from bench.metrics.disentanglement.inputs import Array, checked
from bench.metrics.disentanglement.score import Score


def modularity(codes: NDArray[np.floating], factors: Array, kinds: Sequence[Kind], bins: int = BINS) -> Score:
    """Modularity of codes (n, k) and factors (n, j), in [0, 1]: the mean over codes, which are its parts.

    Binning and mutual information as in `mutual_information_gap`. A code without variance counts 0. A code of noise
    does not: its mutual information is the bias of the estimate, which is larger for a factor of more bins, so compare
    with `mutual_information_gap`. Raises `BenchError` as `inputs.checked` does, and if fewer than two factors vary.
    """
    inputs = checked(codes, factors, kinds, "modularity", fewest_factors=2)
    squares = information_matrix(inputs, bins)[0] ** 2
    best = squares.max(axis=1)
    others = (squares.sum(axis=1) - best) / np.where(best > 0, best, 1) / (squares.shape[1] - 1)  # delta, section 3
    scores = np.where(best > 0, 1 - others, 0.0)
    return Score(float(scores.mean()), dict(enumerate(scores.tolist())), inputs.left_out)
