"""Which rows lie in the balls around others, from blocks of products: as if each distance had been taken in float64.

A distance made of products in float32 decides only where it is farther from the radius than it can be wrong. The few
pairs in between are subtracted in float64. If they are many (rows far from the centre and near each other), the
products of their block are computed again in float64.
"""

import torch
from torch import Tensor

from bench.metrics.neighbours import pair_distances
from bench.metrics.products import Block, Room, Terms

K = 5  # neighbours, of the metrics
FEW = 64  # pairs are subtracted one by one up to one in so many; above, the block is computed again


class Balls:
    """Counts rows of the left set in balls around rows of the right set, and the other way round."""

    def __init__(self, left: Tensor, right: Tensor, dtype: torch.dtype) -> None:
        """`left` (n,), `right` (m,): squared radii of the balls, in float64."""
        self._left, self._right = left, right
        self.holding = torch.zeros_like(left, dtype=torch.int64)  # balls of the right set that hold a row of the left
        self.reached = torch.zeros_like(right, dtype=torch.bool)  # whether a row of the right set is in some left ball
        self.occupied = torch.zeros_like(right, dtype=torch.bool)  # whether a ball of the right set holds some left row
        self._rooms = [Room(dtype, left.device) for _ in range(3)]

    def read(self, block: Block) -> None:
        around_right, around_left = self._inside(block)
        self.holding[block.rows] += around_right.sum(1)
        self.occupied[block.columns] |= around_right.any(0)
        self.reached[block.columns] |= around_left.any(0)

    def _inside(self, block: Block) -> list[Tensor]:
        """Whether each pair is within the radius of the right row, and within that of the left row."""
        distances, error, gap = self._distances(block)
        found = []
        for radii in (self._right[None, block.columns], self._left[block.rows, None]):
            torch.sub(distances, radii.to(distances.dtype), out=gap)
            inside = gap <= 0
            unsure = gap.abs_() <= error
            if bool(unsure.any()):
                inside = self._settle(block, radii, inside, unsure)
            found.append(inside)
        return found

    def _distances(self, block: Block) -> tuple[Tensor, Tensor, Tensor]:
        """Squared distances, the bounds of their errors, and room for one more."""
        distances, error, gap = (room(*block.products.shape) for room in self._rooms)
        for target, (left, right) in ((distances, block.terms.distances), (error, block.terms.errors)):
            rows, columns = left[block.rows].to(target.dtype), right[block.columns].to(target.dtype)
            torch.add(rows[:, None], columns, out=target)
        return distances.add_(block.products, alpha=-2), error, gap

    def _settle(self, block: Block, radii: Tensor, inside: Tensor, unsure: Tensor) -> Tensor:
        """The same with the pairs decided that were unsure."""
        (rows,) = unsure.any(1).nonzero(as_tuple=True)
        place, j = unsure[rows].nonzero(as_tuple=True)
        i = rows[place]
        if len(i) > inside.numel() // FEW:
            return _inside_in_float64(block, radii)
        places = [(index.cpu().numpy() + part.start) for index, part in ((i, block.rows), (j, block.columns))]
        exact = pair_distances(block.left.features, places[0], block.right.features, places[1])
        bounds = radii.expand(inside.shape)[i, j]
        inside[i, j] = torch.from_numpy(exact).to(bounds) <= bounds
        return inside


def _inside_in_float64(block: Block, radii: Tensor) -> Tensor:
    """Whether each pair is within the radius; equal up to the rounding of float64 counts as within."""
    left, right = block.left.in_float64(block.rows), block.right.in_float64(block.columns)
    terms = Terms(left, right)
    distances, errors = (sides[0][:, None] + sides[1] for sides in (terms.distances, terms.errors))
    return distances - 2 * left.values @ right.values.T <= radii + errors
