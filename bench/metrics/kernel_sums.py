"""Sums of the kernel (x.y / d + 1)^3 over random subsets of rows, from blocks of products, and the distance they give.

Summing over a subset is a product with a column of zeros and ones, so one sweep over all products serves all subsets.
"""

import torch
from torch import Tensor

from bench.metrics.products import Block, Room
from bench.training_run import generator

SUBSETS = 20  # of the metrics
Weights = Tensor  # float64 (n, subsets + 1): which rows a subset has, 0 or 1; the last column has all


def subset_size(n: int, reference: int) -> int:
    """The size of one subset: a quarter of the smaller set, between 2 and 1,000."""
    return min(1000, max(2, min(n, reference) // 4))


class KernelSums:
    """Reads the sum over each subset of the kernel of all its pairs, (subsets + 1,); no row is paired with itself."""

    def __init__(self, left: Weights, right: Weights) -> None:
        self._left, self._right = left, right
        self.sums = torch.zeros(left.shape[1], dtype=torch.float64, device=left.device)
        self._rooms = [Room(torch.float64, left.device) for _ in range(2)]

    def read(self, block: Block) -> None:
        kernel = self._kernel(block)
        if block.diagonal:
            kernel.fill_diagonal_(0)
        over_columns = kernel @ self._right[block.columns]
        self.sums += (over_columns * self._left[block.rows]).sum(0) * (2 if block.mirrored else 1)

    def _kernel(self, block: Block) -> Tensor:
        base, kernel = (room(*block.products.shape) for room in self._rooms)
        d = block.left.dim
        base.copy_(block.products).mul_(1 / d)
        rows, columns = block.terms.kernels
        base.add_(rows[block.rows, None] / d).add_(columns[block.columns] / d + 1)
        return torch.mul(base, base, out=kernel).mul_(base)


def unbiased(left: Weights, right: Weights, within: tuple[Tensor, Tensor], across: Tensor) -> Tensor:
    """The unbiased squared MMD of each subset, from the sums within both sets and across them."""
    n, m = left.sum(0), right.sum(0)
    return within[0] / (n * (n - 1)) + within[1] / (m * (m - 1)) - 2 * across / (n * m)


def memberships(n: int, m: int, subsets: int, size: int, device: torch.device) -> tuple[Weights, Weights]:
    """The weights of n and of m rows for `subsets` pairs of random subsets of `size` rows."""
    sides = [torch.zeros((count, subsets + 1), dtype=torch.float64) for count in (n, m)]
    for column, chosen in enumerate(choices(n, m, subsets, size)):
        for side, rows in zip(sides, chosen, strict=True):
            side[rows, column] = 1
    for side in sides:
        side[:, -1] = 1
    return sides[0].to(device), sides[1].to(device)


def choices(n: int, m: int, subsets: int, size: int) -> list[tuple[Tensor, Tensor]]:
    """The rows of each pair of random subsets of n and of m rows: the same whenever the four numbers are."""
    rng = generator("cpu", "kid", subsets, size)
    return [(torch.randperm(n, generator=rng)[:size], torch.randperm(m, generator=rng)[:size]) for _ in range(subsets)]
