"""The Gram regulariser of GRMALA: second moments of a classifier's maps, and what real images of a class have for them.

The idea is that of STIC (arXiv 2103.14212); weights, stages and normalisation are ours, after Gatys et al.
(arXiv 1508.06576). README, section 4.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from bench import Images, Labels

STAGES = 2  # of the classifier, from the first: the last would mostly repeat the class
TINY, UNKNOWN = 1e-12, 1e12  # the least spread, and that of a class of which no image was seen yet: it has no term
Gram = Float[Tensor, "n c c"]


def gram(maps: Float[Tensor, "n c h w"]) -> Gram:
    """G = F F^T / (C N) for F of C channels and N places."""
    flat = maps.permute(0, 2, 3, 1).flatten(1, 2)  # (n, places, c), which is how channels_last lies in memory
    flat = flat if flat.dtype == torch.float64 else flat.float()
    return flat.mT @ flat / (flat.shape[1] * flat.shape[2])


def grams(maps: Sequence[Tensor]) -> list[Gram]:
    """G_l for the stages of the regulariser."""
    return [gram(it) for it in maps[:STAGES]]


def stage_distances(ours: Sequence[Gram], references: Sequence[Gram]) -> Float[Tensor, "n l"]:
    """|G_l - Gref_l|_F^2 for each stage."""
    return torch.stack([(a - b).square().sum((1, 2)) for a, b in zip(ours, references, strict=True)], 1)


class MapDistance(torch.autograd.Function):
    """|G(F) - Gref|_F^2 of maps (n, c, h, w) and references (n, c, c), with the gradient that both being symmetric allow:

    4 F (G - Gref) / (C N), one matrix product instead of the two of the chain rule.
    """

    @staticmethod
    def forward(ctx: Any, maps: Tensor, reference: Gram) -> Float[Tensor, "n"]:
        away = gram(maps) - reference
        ctx.save_for_backward(maps, away)
        return away.square().sum((1, 2))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Float[Tensor, "n"]) -> tuple[Tensor, None]:
        maps, away = ctx.saved_tensors
        factor = (4 / maps[0].numel() * gradient).view(-1, 1, 1) * away
        flat = maps.permute(0, 2, 3, 1).flatten(1, 2).to(away.dtype) @ factor
        return flat.unflatten(1, maps.shape[2:]).permute(0, 3, 1, 2).to(maps.dtype), None


@dataclass(frozen=True)
class Reference:
    """What the maps of a chain are held against, fixed for its life."""

    grams: Sequence[Gram]  # Gref_l
    spread: Float[Tensor, "n l"]  # the mean of |G_l - Gref_l|_F^2 over real images of the class

    def distance(self, maps: Sequence[Tensor]) -> Float[Tensor, "n"]:
        """R = sum_l w_l |G_l - Gref_l|_F^2 (E2), w_l = 1 / (L spread_l): 1 is as far as real images are from their class."""
        away = [MapDistance.apply(*pair) for pair in zip(maps[:STAGES], self.grams, strict=True)]
        return (torch.stack(away, 1) / self.spread.clamp(min=TINY)).mean(1)


class ClassMeans(nn.Module):
    """Running means over real images of each class: state, whose shapes follow from the classifier and the classes."""

    seen: Tensor  # (k,), whether there was an image of the class
    spread: Tensor  # (k, l), running means of |G_l - Gref_l|_F^2 over real images

    def __init__(self, channels: Sequence[int], classes: int, decay: float) -> None:
        super().__init__()
        self.decay = decay
        self.register_buffer("seen", torch.zeros(classes, dtype=torch.bool))
        self.register_buffer("spread", torch.full((classes, len(channels[:STAGES])), UNKNOWN))
        for i, c in enumerate(channels[:STAGES]):
            self.register_buffer(f"mean{i}", torch.zeros(classes, c, c))
        self.means = len(channels[:STAGES])

    def values(self) -> list[Tensor]:
        """(k, c, c) for each stage."""
        return [self.get_buffer(f"mean{i}") for i in range(self.means)]

    @torch.no_grad()
    def update(self, ours: Sequence[Gram], labels: Labels) -> None:
        """Take in the Gram matrices of real images; the first of a class stand as they are.

        Their distances are those to the means before, of the first of a class to 0.
        """
        classes, inverse, counts = labels.unique(return_inverse=True, return_counts=True)
        keep = torch.where(self.seen[classes], self.decay, 0.0)

        def blend(running: Tensor, now: Tensor) -> None:
            """running[class] = decay running[class] + (1 - decay) mean(now of the class)."""
            mean = torch.zeros_like(running[classes]).index_add_(0, inverse, now.to(running))
            mean /= counts.view(-1, *[1] * (now.ndim - 1))
            running[classes] = torch.lerp(mean, running[classes], keep.view(-1, *[1] * (now.ndim - 1)))

        blend(self.spread, stage_distances(ours, [it[labels] for it in self.values()]))
        for mean, own in zip(self.values(), ours, strict=True):
            blend(mean, own)
        self.seen[classes] = True

    def reference(self, weights: Float[Tensor, "n k"], grams: Sequence[Gram] | None = None) -> Reference:
        """sum_k lambda_k Gref^(k) for each chain, or the given ones, with the spread of its classes."""
        means = [torch.einsum("nk,kcd->ncd", weights, mean) for mean in self.values()] if grams is None else grams
        return Reference(means, weights @ self.spread)


class Exemplars(nn.Module):
    """The first few real images of each class that were seen: state, kept as bytes."""

    images: Tensor  # (k * count, c, h, w), uint8
    filled: Tensor  # (k,), how many of them are there

    def __init__(self, shape: tuple[int, int, int], classes: int, count: int) -> None:
        super().__init__()
        self.count = count
        self.register_buffer("images", torch.full((classes * count, *shape), 128, dtype=torch.uint8))
        self.register_buffer("filled", torch.zeros(classes, dtype=torch.int64))

    @torch.no_grad()
    def update(self, images: Images, labels: Labels) -> None:
        """Fill empty places; an image that stands there stays, since chains refer to it for their whole life."""
        for label in labels.unique().tolist():
            start = int(self.filled[label])
            fresh = (images[labels == label][: self.count - start] * 255).round().to(torch.uint8)
            self.images[label * self.count + start :][: len(fresh)] = fresh
            self.filled[label] += len(fresh)

    def reference(
        self, weights: Float[Tensor, "n k"], slots: Int[Tensor, "n"], look: Callable[[Images], list[Gram]]
    ) -> list[Gram]:
        """sum_k lambda_k G(exemplar of class k) for each chain, whose slot chooses the exemplars for its whole life."""
        rows, classes = weights.nonzero(as_tuple=True)
        place = classes * self.count + slots[rows] % self.filled[classes].clamp(min=1)
        share = weights[rows, classes].view(-1, 1, 1)
        own = [share * it for it in look(self.images[place].float() / 255)]
        return [it.new_zeros(len(weights), *it.shape[1:]).index_add_(0, rows, it) for it in own]


def calibrate(
    distance: Callable[[float], float], real: float, gammas: Sequence[float] = (0.0, 0.03, 0.1, 0.3, 1.0)
) -> float:
    """The weight at which samples are as far from their class mean as held-out real images are (README, section 4).

    `distance(gamma)` draws samples and gives their mean R. Between two of the ascending `gammas` it is taken to be
    linear; the first is returned if its samples are near enough, the last if none are.
    """
    below: tuple[float, float] | None = None
    for gamma in gammas:
        now = distance(gamma)
        if now <= real:
            return gamma if below is None else below[0] + (gamma - below[0]) * (below[1] - real) / (below[1] - now)
        below = (gamma, now)
    return gammas[-1]
