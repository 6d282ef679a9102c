"""How much of a code can be read back from its image: estimates of mutual information in nats."""

import math

import numpy as np
from numpy.typing import NDArray

from bench.api import Code
from bench.metrics.disentanglement.binning import Bins
from bench.metrics.disentanglement.information import mutual_information

Floats = NDArray[np.float64]
UNEXPLAINED = 1e-12  # least share of a variance: no more than 13.8 nats


def information(code: Code, drawn: Floats, read: Floats) -> float:
    """Between the drawn values of a code and what an encoder reads off their images, both (n, width), at least 0.

    continuous: -1/2 ln(1 - r^2), with r the correlation of both. This is a lower bound if the code is Gaussian. Of any
    other code it is one after its negentropy is subtracted, 0.18 nats if it is uniform: I >= h(c) - 1/2 ln(2 pi e mse).

    circular: the same, with the mean r^2 of cosine and sine; an estimate, not a bound. A single column is an angle whose
    full turn is the range of its draws.

    categorical: the mutual information of the confusion table less its bias (Miller and Madow, 1955). What is read is the
    largest of the columns, or the nearest of the values of a single column.
    """
    if code.kind == "categorical":
        return _categorical(*_values(drawn, read))
    if code.kind == "circular" and drawn.shape[1] == 1:
        drawn, read = _cosine_and_sine(drawn, read)
    squares = [_correlation(a, b) ** 2 for a, b in zip(drawn.T, read.T, strict=True)]
    return -0.5 * math.log(max(1 - sum(squares) / len(squares), UNEXPLAINED))


def _correlation(a: Floats, b: Floats) -> float:
    """0 if either is constant."""
    return 0.0 if np.ptp(a) == 0 or np.ptp(b) == 0 else float(np.corrcoef(a, b)[0, 1])


def _cosine_and_sine(drawn: Floats, read: Floats) -> tuple[Floats, Floats]:
    """Of angles (n, 1): (n, 2) each."""
    turn = 2 * np.pi / max(float(np.ptp(drawn)), 1e-12)
    first, second = turn * drawn, turn * read
    return np.hstack([np.cos(first), np.sin(first)]), np.hstack([np.cos(second), np.sin(second)])


def _values(drawn: Floats, read: Floats) -> tuple[Bins, Bins]:
    """The number of the value in each row, (n,)."""
    if drawn.shape[1] > 1:
        return drawn.argmax(axis=1), read.argmax(axis=1)
    known, numbers = np.unique(drawn[:, 0], return_inverse=True)
    return numbers, np.searchsorted((known[1:] + known[:-1]) / 2, read[:, 0])


def _categorical(drawn: Bins, read: Bins) -> float:
    rows, columns, cells = (len(np.unique(values, axis=0)) for values in (drawn, read, np.stack([drawn, read], axis=1)))
    bias = max(cells - rows - columns + 1, 0) / (2 * len(drawn))
    return max(mutual_information(drawn, read) - bias, 0.0)
