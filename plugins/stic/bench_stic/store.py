"""The store of fakes: chains that outlive a step of the optimizer, in segments of a class and a part for mixtures."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.functional import one_hot

from bench import BenchError, Labels

Canvas = Float[Tensor, "n c h w"]  # on [-1, 1], not clamped


def blank(shape: tuple[int, ...], rng: torch.Generator) -> Canvas:
    """A blank canvas: U(-1, 1) in every pixel."""
    return torch.rand(shape, generator=rng, device=rng.device) * 2 - 1


@dataclass(frozen=True)
class Taken:
    """Entries of the store, taken out to be advanced."""

    index: Int[Tensor, "n"]
    images: Canvas
    weights: Float[Tensor, "n k"]
    ages: Int[Tensor, "n"]  # steps since the blank canvas
    slots: Int[Tensor, "n"]  # which exemplars are the reference of the chain, for its whole life


class Store(nn.Module):
    """`size` chains as buffers: first k segments of equal length, one a class, then those of two classes."""

    images: Tensor
    weights: Tensor
    ages: Tensor
    slots: Tensor

    def __init__(self, size: int, soft_share: float, classes: int, shape: tuple[int, int, int]) -> None:
        super().__init__()
        soft = round(size * soft_share)
        self.segment, self.classes = (size - soft) // classes, classes
        if self.segment < 1:
            raise BenchError(
                f"store_size = {size} has no entry for each of {classes} classes in addition to {soft} for mixtures; "
                f"set it to {round(classes / (1 - soft_share) + 1) if soft_share < 1 else 'more, or soft_share below 1'}"
            )
        self.hard, total = self.segment * classes, self.segment * classes + soft
        self.register_buffer("images", torch.zeros(total, *shape))
        self.register_buffer("weights", torch.zeros(total, classes))
        self.register_buffer("ages", torch.zeros(total, dtype=torch.int64))
        self.register_buffer("slots", torch.zeros(total, dtype=torch.int64))
        self.weights[: self.hard] = torch.eye(classes).repeat_interleave(self.segment, 0)

    @property
    def soft(self) -> int:
        return len(self.images) - self.hard

    def pick_hard(self, labels: Labels, rng: torch.Generator) -> Int[Tensor, "n"]:
        """A random entry of the segment of each label, no entry twice before all others of the segment are used."""
        known, column = labels.unique(return_inverse=True)
        order = torch.rand(len(known), self.segment, generator=rng, device=rng.device).argsort(1).to(labels.device)
        turn = one_hot(column, len(known)).cumsum(0).gather(1, column[:, None]).squeeze(1) - 1
        return labels * self.segment + order[column, turn % self.segment]

    def pick_soft(self, weights: Float[Tensor, "n k"]) -> Int[Tensor, "m"]:
        """For each row in turn the mixture with the nearest class weights (L1) that is not taken yet, as long as there is one."""
        away = torch.cdist(weights, self.weights[self.hard :], p=1)
        picked = []
        for row in away[: self.soft]:
            picked.append(row.argmin())
            away[:, picked[-1]] = torch.inf
        return self.hard + torch.stack(picked) if picked else torch.empty(0, dtype=torch.int64, device=away.device)

    def take(self, index: Int[Tensor, "n"]) -> Taken:
        """Copies of these entries."""
        return Taken(index, self.images[index], self.weights[index], self.ages[index], self.slots[index])

    def put(self, taken: Taken, images: Canvas, steps: int) -> None:
        """Write entries back, advanced by `steps` steps."""
        self.images[taken.index] = images
        self.weights[taken.index], self.slots[taken.index] = taken.weights, taken.slots
        self.ages[taken.index] = taken.ages + steps

    def aim(self, index: Int[Tensor, "n"], weights: Float[Tensor, "n k"]) -> None:
        """Give those of these entries that are mixtures other class weights; the others keep their class."""
        mixed = index >= self.hard
        self.weights[index[mixed]] = weights[mixed].to(self.weights)

    def restart(self, index: Int[Tensor, "n"], rng: torch.Generator) -> None:
        """Begin these entries again: a blank canvas and another exemplar."""
        self.images[index] = blank((len(index), *self.images.shape[1:]), rng).to(self.images)
        self.slots[index] = torch.randint(2**31, (len(index),), generator=rng, device=rng.device).to(index.device)
        self.ages[index] = 0
