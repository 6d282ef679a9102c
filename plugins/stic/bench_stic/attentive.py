"""Attentive-STIC: the canvas is drawn in passes, each with a frozen mask of the classifier's attention.

Only the name, the purpose (thousands of classes) and "iterative drawing" are the paper's (arXiv 2103.14212); masks
after Grad-CAM (arXiv 1610.02391), as a preconditioner that stays in the ratio. README, section 7.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor

from bench import Images, Labels, Spec
from bench_stic.config import AttentiveConfig
from bench_stic.energy import Density, mixed_logits
from bench_stic.grmala import Chains, run_chains
from bench_stic.losses import Side
from bench_stic.mixing import draw_pairs
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
        log_pi = accepted
        for number in range(1, passes + 1):
            now = steps * number // passes - done
            mask, drawn = self._mask(density, x, ages + done == 0, drawn)
            x = x.contiguous(memory_format=torch.channels_last)
            left = (warmup - done).clamp(min=0)
            chains = run_chains(density, x, now, self.config.sigma, rng, mh=mh, warmup=left, scale=mask)
            x, log_pi, done = chains.x, chains.log_pi, done + now
            accepted, tested = accepted + chains.accepted, tested + chains.tested
        return Chains(x, log_pi, accepted, tested)

    def _mask(self, density: Density, x: Canvas, blank: Bool[Tensor, "n"], drawn: Mask) -> tuple[Mask, Mask]:
        """A_p (1 - damp V_{p-1}), floored, and V_p; 1 everywhere on a canvas that is still blank, which V leaves out."""
        rows = blank.view(-1, 1, 1, 1)
        looked = attention_mask(density, x)
        mask = (looked * (1 - self.config.damp * drawn)).clamp(min=self.config.mask_floor)
        return torch.where(rows, 1.0, mask), torch.where(rows, drawn, torch.maximum(drawn, looked))

    def _hard_labels(self, labels: Labels, rng: torch.Generator) -> Labels:
        """Any class, equally often: of a thousand, most are not in a batch."""
        return torch.randint(self.classes, labels.shape, generator=rng, device=rng.device)

    def _pairs(self, n: int, rng: torch.Generator) -> tuple[Int[Tensor, "n"], Int[Tensor, "n"]]:
        """Half of them any two classes, half a class and one of those that it is most often taken for."""
        first, second = draw_pairs(n, self.classes, rng)
        known = min(self.config.confused, self.classes - 1)
        if not known:
            return first, second
        others = self.confusion.clone().fill_diagonal_(-1).topk(known).indices  # (k, known)
        turn = torch.randint(known, (n,), generator=rng, device=rng.device)
        half = torch.arange(n, device=rng.device) % 2 == 0
        return first, torch.where(half, others[first, turn], second)

    @torch.no_grad()
    def _after_step(self, x: Images, y: Labels, real: Side, maps: list[Tensor]) -> None:
        super()._after_step(x, y, real, maps)
        predicted = torch.zeros_like(self.confusion).index_add_(0, y, real.logits[:, : self.classes].softmax(1))
        self.confusion.mul_(KEEP).add_(predicted, alpha=1 - KEEP)


def attention_mask(density: Density, x: Canvas) -> Mask:
    """The attention of the classifier for the class of each chain, in [0, 1], with maximum 1 (0 if there is none).

    A = ReLU(sum_c w_c F_c) at the last stage, w_c the spatial mean of d f_lambda / d F_c, resized to the canvas.
    """
    with torch.enable_grad():
        logits, maps = density.net(x.detach().requires_grad_())
        (gradient,) = torch.autograd.grad(mixed_logits(logits, density.weights).sum(), maps[-1])
    share = gradient.mean((2, 3), keepdim=True)
    looked = (share * maps[-1].detach()).sum(1, keepdim=True).relu().float()
    mask = F.interpolate(looked, size=x.shape[2:], mode="bilinear")
    return mask / mask.amax((2, 3), keepdim=True).clamp(min=1e-12)
