"""What metrics take from the products of two sets of features, so that each block of products is computed once."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch

from bench.metrics.balls import Balls, K
from bench.metrics.cache import Array
from bench.metrics.context import EvaluationContext
from bench.metrics.kernel_sums import SUBSETS, KernelSums, memberships, subset_size, unbiased
from bench.metrics.neighbours import Nearest
from bench.metrics.products import Reader, Rows, both, sweep


@dataclass(frozen=True)
class Subsets:
    """How many pairs of random subsets have a kernel distance of their own, and the rows of each."""

    count: int
    size: int


class Pairs:
    """All pairs of rows of x (n, d) and y (m, d): three sweeps, within x, within y and across, on first use.

    `k`: measure the balls around each row that reach to its k-th nearest other row; n and m must exceed it. `subsets`:
    measure kernel distances. `keep` may return a stored copy of what its argument computes from y alone.
    """

    def __init__(
        self,
        x: Array,
        y: Array,
        device: torch.device,
        *,
        k: int | None = None,
        subsets: Subsets | None = None,
        keep: Callable[[Callable[[], Array]], Array] = lambda make: make(),
    ) -> None:
        self._x, self._y = both(x, y, device)
        self._k, self._keep = k, keep
        self._weights = memberships(len(x), len(y), subsets.count, subsets.size, device) if subsets else None

    @property
    def balls(self) -> Balls:
        """Which rows lie in the balls around others. Only with `k`."""
        assert self._across[0] is not None
        return self._across[0]

    @cached_property
    def kernel_distances(self) -> Array:
        """The unbiased squared MMD of each pair of subsets, and last of all rows: float64. Only with `subsets`."""
        assert self._weights is not None
        within = [torch.from_numpy(sums).to(self._weights[0]) for _, sums in (self._within_x, self._within_y)]
        kernels = self._across[1]
        assert kernels is not None
        return unbiased(*self._weights, (within[0], within[1]), kernels.sums).cpu().numpy()

    @cached_property
    def _within_x(self) -> tuple[Array, Array]:
        return self._parts(self._within(self._x, 0), self._x)

    @cached_property
    def _within_y(self) -> tuple[Array, Array]:
        return self._parts(self._keep(lambda: self._within(self._y, 1)), self._y)

    def _within(self, rows: Rows, side: int) -> Array:
        """Squared radii and sums of kernels, one behind the other; either may be empty."""
        nearest = Nearest(rows, self._k) if self._k else None
        kernels = KernelSums(self._weights[side], self._weights[side]) if self._weights else None
        _sweep(rows, rows, nearest, kernels)
        return np.concatenate([nearest.radii() if nearest else [], kernels.sums.cpu().numpy() if kernels else []])

    def _parts(self, found: Array, rows: Rows) -> tuple[Array, Array]:
        radii = len(rows) if self._k else 0
        return found[:radii], found[radii:]

    @cached_property
    def _across(self) -> tuple[Balls | None, KernelSums | None]:
        radii = [torch.from_numpy(found[0]).to(self._x.squares) for found in (self._within_x, self._within_y)]
        balls = Balls(radii[0], radii[1], self._x.values.dtype) if self._k else None
        kernels = KernelSums(*self._weights) if self._weights else None
        _sweep(self._x, self._y, balls, kernels)
        return balls, kernels


def _sweep(left: Rows, right: Rows, *readers: Reader | None) -> None:
    sweep(left, right, [reader for reader in readers if reader])


def shared(context: EvaluationContext, space: str) -> Pairs:
    """The pairs of samples and reference images in a feature space, the same object for all metrics of an evaluation.

    They have no balls if there are too few rows for them.
    """
    n, reference = context.n, context.reference
    k = K if min(n, reference) > K else None
    subsets = Subsets(SUBSETS, subset_size(n, reference))
    parts = (context.real_digest, *map(str, (k, n, subsets)))
    make = lambda: Pairs(  # noqa: E731
        context.features(space),
        context.real_features(space),
        context.device,
        k=k,
        subsets=subsets,
        keep=lambda within: context.cached(f"pairs-{space}", space, parts, within),
    )
    return context.memoize(f"pairs-{space}", make)
