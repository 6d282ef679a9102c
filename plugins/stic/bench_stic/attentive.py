"""Attentive-STIC: the canvas is drawn in passes, each with a frozen mask, the classifier's attention to a real image.

Only the name, the purpose (thousands of classes) and "iterative drawing" are the paper's (arXiv 2103.14212); masks
after Grad-CAM (arXiv 1610.02391), as a preconditioner that stays in the ratio. A mask that depended on the canvas would
move the law of the chains, however exact each pass is. README, section 7.
"""

from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.functional import one_hot

from bench import Images, Labels, Spec
from bench_stic.config import AttentiveConfig
from bench_stic.energy import Density, Weights, mixed_logits
from bench_stic.grmala import Chains, run_chains
from bench_stic.losses import Side
from bench_stic.model import Stic
from bench_stic.store import Canvas

Mask = Float[Tensor, "n 1 h w"]
KEEP = 0.99  # of the running confusion matrix


class AttentiveStic(Stic):
    """STIC with an attention block in the classifier and an attention mask over the canvas."""

    Config = AttentiveConfig
    attention = True
    confusion: Tensor  # (k, k), running: row i, how probable images of class i are as each other class

    def __init__(self, config: AttentiveConfig, spec: Spec) -> None:
        super().__init__(config, spec)
        self.register_buffer("confusion", torch.zeros(self.classes, self.classes))
        with torch.no_grad():
            side = self.net(torch.zeros(1, *spec.shape)).maps[-1].shape[2:]
        self.looks = Looks(self.classes, config.looks, tuple(side))

    @property
    def _draw_passes(self) -> int:
        return self.config.draw_passes

    def _walk(
        self, density: Density, x: Canvas, steps: int, rng: torch.Generator, *, mh: bool, warmup: Int[Tensor, "n"],
        ages: Int[Tensor, "n"], passes: int,
    ) -> Chains:  # fmt: skip
        """In passes of steps / passes, each under one mask; a blank canvas has none yet. Few steps are fewer passes."""
        passes, done = min(passes, max(1, steps)), 0
        accepted, tested = torch.zeros(len(x), device=x.device), torch.zeros(len(x), device=x.device)
        drawn = torch.zeros(len(x), 1, *x.shape[2:], device=x.device)  # V, the running maximum of all masks
        log_pi, gradient = accepted, torch.zeros_like(x)
        for number in range(1, passes + 1):
            now = steps * number // passes - done
            mask, drawn = self._mask(density.weights[:, : self.classes], ages + done, drawn, rng)
            x = x.contiguous(memory_format=torch.channels_last)
            left = (warmup - done).clamp(min=0)
            chains = run_chains(density, x, now, self.config.sigma, rng, mh=mh, warmup=left, scale=mask)
            x, log_pi, gradient, done = chains.x, chains.log_pi, chains.gradient, done + now
            accepted, tested = accepted + chains.accepted, tested + chains.tested
        return Chains(x, log_pi, gradient, accepted, tested)

    def _mask(self, weights: Weights, ages: Int[Tensor, "n"], drawn: Mask, rng: torch.Generator) -> tuple[Mask, Mask]:
        """A_p (1 - damp V_{p-1}), floored, and V_p; 1 everywhere on a canvas that is still blank, which V leaves out.

        Nothing here depends on where a chain is.
        """
        blank = (ages == 0).view(-1, 1, 1, 1)
        looked = resized(self.looks.draw(weights, rng), drawn.shape[2:])
        mask = (looked * (1 - self.config.damp * drawn)).clamp(min=self.config.mask_floor)
        return torch.where(blank, 1.0, mask), torch.where(blank, drawn, torch.maximum(drawn, looked))

    def _partners(self, y: Labels, rng: torch.Generator) -> Int[Tensor, "n"]:
        """Half of the images any other, half one of those in the batch whose class theirs is most often taken for."""
        other = super()._partners(y, rng)
        taken_for = self.confusion[y][:, y].masked_fill(y[:, None] == y, -1.0)
        best = taken_for.topk(min(self.config.confused, len(y)))
        turn = torch.rand(best.values.shape, generator=rng, device=rng.device).masked_fill(best.values < 0, -1.0)
        confused = best.indices.gather(1, turn.argmax(1, keepdim=True))[:, 0]
        half = (torch.arange(len(y), device=rng.device) % 2 == 0) & (best.values[:, 0] >= 0)
        return torch.where(half, confused, other)

    def _after_step(self, x: Images, y: Labels, real: Side, maps: list[Tensor]) -> None:
        super()._after_step(x, y, real, maps)
        some, labels = x[: self.config.fake_batch], y[: self.config.fake_batch]
        self.looks.update(attention(self.net, some * 2 - 1, one_hot(labels, self.classes).float()), labels)
        with torch.no_grad():
            predicted = torch.zeros_like(self.confusion).index_add_(0, y, real.logits[:, : self.classes].softmax(1))
            self.confusion.mul_(KEEP).add_(predicted, alpha=1 - KEEP)


class Looks(nn.Module):
    """The attention of the classifier to the last real images of each class that were seen: state."""

    maps: Tensor  # (k * count, 1, i, j) in [0, 1]; 1 everywhere where no image was seen yet
    seen: Tensor  # (k,), how many images of each class were

    def __init__(self, classes: int, count: int, side: tuple[int, ...]) -> None:
        super().__init__()
        self.classes, self.count = classes, count
        self.register_buffer("maps", torch.ones(classes * count, 1, *side))
        self.register_buffer("seen", torch.zeros(classes, dtype=torch.int64))

    @torch.no_grad()
    def update(self, maps: Float[Tensor, "n 1 i j"], labels: Labels) -> None:
        """Take these in, each in the place of the oldest of its class."""
        each = one_hot(labels, self.classes)
        turn = each.cumsum(0).gather(1, labels[:, None])[:, 0] - 1
        last = turn >= each.sum(0)[labels] - self.count  # of the batch, if it has more of a class than are kept
        place = labels * self.count + (self.seen[labels] + turn) % self.count
        self.maps[place[last]] = maps[last].to(self.maps)
        self.seen += each.sum(0)

    def draw(self, weights: Weights, rng: torch.Generator) -> Float[Tensor, "n 1 i j"]:
        """sum_k lambda_k A^(k), A^(k) the attention to a random one of the images of class k, for each row of weights."""
        rows, classes = weights.nonzero(as_tuple=True)
        chance = torch.randint(2**31, (len(rows),), generator=rng, device=rng.device).to(rows.device)
        place = classes * self.count + chance % self.seen[classes].clamp(1, self.count)
        share = weights[rows, classes].view(-1, 1, 1, 1)
        return self.maps.new_zeros(len(weights), *self.maps.shape[1:]).index_add_(0, rows, share * self.maps[place])


def attention(net: Any, x: Canvas, weights: Weights) -> Float[Tensor, "n 1 i j"]:
    """The attention of a classifier for the class of each image, at the last stage, with maximum 1 (0 if there is none).

    A = ReLU(sum_c w_c F_c), w_c the spatial mean of d f_lambda / d F_c.
    """
    with torch.enable_grad():
        logits, maps = net(x)
        (gradient,) = torch.autograd.grad(mixed_logits(logits, weights).sum(), maps[-1])
    share = gradient.mean((2, 3), keepdim=True)
    return _with_maximum_one((share * maps[-1].detach()).sum(1, keepdim=True).relu().float())


def resized(maps: Float[Tensor, "n 1 i j"], side: torch.Size) -> Mask:
    """As large as a canvas, with maximum 1."""
    return _with_maximum_one(F.interpolate(maps, size=side, mode="bilinear"))


def _with_maximum_one(maps: Float[Tensor, "n 1 i j"]) -> Float[Tensor, "n 1 i j"]:
    return maps / maps.amax((2, 3), keepdim=True).clamp(min=1e-12)
