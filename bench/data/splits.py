"""The images that are held out: stratified by class, deterministic, and dependent on the seed only."""

import numpy as np
from numpy.typing import NDArray

FRACTION, CAP = 0.1, 5_000  # of the training images, for validation


def random_keys(n: int, *seed: int) -> NDArray[np.uint64]:
    """n random 64-bit numbers from a seed of up to two, the same on every machine; the first m do not depend on n."""
    return np.random.Philox(key=np.array([*seed, 0, 0][:2], dtype=np.uint64)).random_raw(n)


def quotas(counts: NDArray[np.int64], total: int) -> NDArray[np.int64]:
    """Divide `total` among classes in proportion to `counts` (largest remainder), at least one for each."""
    exact = total * counts / counts.sum()
    shares = np.floor(exact).astype(np.int64)
    remainder = np.argsort(shares - exact, kind="stable")[: total - shares.sum()]
    shares[remainder] += 1
    return np.minimum(np.maximum(shares, 1), counts)


def holdout(
    labels: NDArray[np.int64], keys: NDArray[np.uint64], fraction: float = FRACTION, cap: int | None = CAP
) -> NDArray[np.bool_]:
    """A mask (n,) of the held-out images: those with the smallest keys of each class, `fraction` of all, at most `cap`."""
    total = round(fraction * len(labels))
    total = total if cap is None else min(total, cap)
    classes, counts = np.unique(labels, return_counts=True)
    held = np.zeros(len(labels), dtype=np.bool_)
    for label, quota in zip(classes, quotas(counts, total), strict=True):
        members = np.flatnonzero(labels == label)
        held[members[np.argsort(keys[members], kind="stable")[:quota]]] = True
    return held
