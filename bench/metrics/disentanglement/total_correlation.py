"""Total correlation of codes as if they were Gaussian: how far they are from independent."""

import numpy as np
from numpy.typing import NDArray

from bench.errors import BenchError
from bench.metrics.disentanglement.inputs import FEWEST_ROWS, matrix, require_rows, scaled

SINGULAR = 1e-10  # smallest eigenvalue of a correlation matrix that counts as greater than 0


def gaussian_total_correlation(codes: NDArray[np.floating]) -> float:
    """-1/2 ln det of the correlation matrix of codes (n, k), in nats, at least 0 and unbounded.

    Codes without variance are independent of all others and left out; fewer than two codes have 0. Independent codes
    have about k (k - 1) / 4n. Raises `BenchError` for values that are not finite, for fewer than 40 rows or fewer than
    2 k, and for codes that are linearly dependent, whose total correlation is infinite.
    """
    x = matrix(codes, "total correlation: codes")
    require_rows(len(x), max(FEWEST_ROWS, 2 * x.shape[1]), "total correlation")
    x = scaled(x)
    x = x[:, np.ptp(x, axis=0) > 0]
    if x.shape[1] < 2:
        return 0.0
    eigenvalues = np.linalg.eigvalsh(np.corrcoef(x, rowvar=False))
    rank = int((eigenvalues > SINGULAR).sum())
    if rank < len(eigenvalues):
        raise BenchError(
            f"total correlation: expected linearly independent codes, got {len(eigenvalues)} codes of rank {rank}"
        )
    return max(0.0, float(-0.5 * np.log(eigenvalues).sum()))
