"""A pool of codes of images that share one value of one factor: what votes on factors are drawn from."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.errors import BenchError
from bench.metrics.disentanglement.inputs import Array, require_finite


@dataclass(frozen=True, eq=False)
class Pool:
    """For each factor that has several values, codes (values, m, k), and its place in the original sequence."""

    groups: tuple[Array, ...]
    columns: tuple[int, ...]
    left_out: tuple[int, ...]
    codes: int


def checked_pool(pool: Sequence[NDArray[np.floating]], images: int, measure: str) -> Pool:
    """Check a sequence over factors of codes (values, m, k): m images that share a value of that factor.

    A factor of one value is left out. Raises `BenchError` for other shapes, for values that are not finite, for groups
    of fewer than `images` images, and for fewer than two factors of several values.
    """
    groups = [np.asarray(codes, dtype=np.float64) for codes in pool]
    for place, codes in enumerate(groups):
        _check(codes, groups[0], images, f"{measure}: factor {place}")
    several = tuple(place for place, codes in enumerate(groups) if len(codes) > 1)
    if len(several) < 2:
        raise BenchError(
            f"{measure}: expected at least 2 factors of several values, got {len(several)} of {len(groups)}"
        )
    left_out = tuple(place for place in range(len(groups)) if place not in several)
    return Pool(tuple(groups[place] for place in several), several, left_out, groups[0].shape[2])


def _check(codes: Array, first: Array, images: int, what: str) -> None:
    if codes.ndim != 3 or 0 in codes.shape:
        raise BenchError(f"{what}: expected codes of shape (values, images, codes), got {codes.shape}")
    if codes.shape[2] != first.shape[2]:
        raise BenchError(f"{what}: expected {first.shape[2]} codes as for factor 0, got {codes.shape[2]}")
    if codes.shape[1] < images:
        raise BenchError(f"{what}: expected at least {images} images for each value, got {codes.shape[1]}")
    require_finite(codes, f"{what}: codes")
