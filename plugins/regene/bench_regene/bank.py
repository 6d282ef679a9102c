"""The bank: latents of the training set by class, and convex combinations of them (README, section 4)."""

import torch
from torch import Tensor, nn

from bench import Codes, Labels
from bench_regene.config import ReGeneConfig


class Bank(nn.Module):
    """`capacity` latents of each class, in buffers whose shapes do not depend on the data."""

    latents: Tensor  # (k, capacity, d)
    predictions: Tensor  # (k, capacity): the class the head tells, -1 where there is no latent
    pool: Tensor  # (k, capacity), bool: what may be mixed

    def __init__(self, classes: int, capacity: int, dim: int) -> None:
        super().__init__()
        self.capacity = capacity
        self.register_buffer("latents", torch.zeros(classes, capacity, dim))
        self.register_buffer("predictions", torch.full((classes, capacity), -1))
        self.register_buffer("pool", torch.zeros(classes, capacity, dtype=torch.bool))

    def fill(self, label: int, latents: Codes, logits: Tensor, least: int) -> int:
        """Keep the latents of one class and return how many of them the head puts into it.

        Those form its pool, P_c = {i : y_i = c and p_i = c}. Where they are fewer than `least`, the members that
        come nearest to it, by their margin, join them.
        """
        others = logits.clone()
        others[:, label] = -torch.inf
        margins = logits[:, label] - others.amax(1)
        self.predictions[label] = -1
        self.predictions[label, : len(latents)] = logits.argmax(1)
        self.latents[label, : len(latents)] = latents
        correct = self.predictions[label] == label
        self.pool[label] = correct
        if int(correct.sum()) < least:
            self.pool[label, margins.topk(least).indices] = True
        return int(correct.sum())

    def draw(self, labels: Labels, config: ReGeneConfig, rng: torch.Generator) -> Codes:
        """z* = sum_i a_i z_i for each label: n distinct members of its pool, weights a ~ Dirichlet(alpha)."""
        index = self.draw_sources(labels, config, rng)
        weights = draw_weights(len(labels), config, rng).to(self.latents)
        return torch.einsum("ms,msd->md", weights, self.latents[labels.unsqueeze(1), index])

    def draw_sources(self, labels: Labels, config: ReGeneConfig, rng: torch.Generator) -> Tensor:
        """(m, n) positions in each label's row of the bank, without repetition; the first is the anchor."""
        pool = self.pool[labels]
        keys = torch.rand(pool.shape, generator=rng, device=rng.device).to(pool.device).masked_fill(~pool, -1)
        if config.neighbours is None:
            return keys.topk(config.most).indices
        anchor = keys.argmax(1, keepdim=True)
        others = pool.scatter(1, anchor, False)
        near = self._nearest(labels, anchor.squeeze(1), others, config.neighbours)
        keys = keys.masked_fill(~(near & others), -1)
        return torch.cat([anchor, keys.topk(config.most - 1).indices], 1)

    def _nearest(self, labels: Labels, anchor: Tensor, among: Tensor, count: int) -> Tensor:
        """Mask (m, capacity) of the `count` latents nearest to each anchor, of those in `among`."""
        near = torch.zeros_like(among)
        for label in labels.unique():
            rows = labels == label
            distance = torch.cdist(self.latents[label, anchor[rows]], self.latents[label])
            distance = distance.masked_fill(~among[rows], torch.inf)
            index = distance.topk(min(count, distance.shape[1]), largest=False).indices
            near[rows] = near[rows].scatter(1, index, True)
        return near


def draw_weights(count: int, config: ReGeneConfig, rng: torch.Generator) -> Tensor:
    """(m, n) rows on the simplex, Dirichlet(alpha) over the first n of at most `config.most`.

    Gamma variables are drawn in logarithms, log g(alpha) = log g(alpha + 1) + log(u) / alpha, so that a small
    alpha does not underflow.
    """
    shape, device = (count, config.most), rng.device
    gamma = torch._standard_gamma(torch.full(shape, config.alpha + 1.0, device=device), generator=rng)
    uniform = 1 - torch.rand(shape, generator=rng, device=device)  # in (0, 1]
    logs = gamma.log() + uniform.log() / config.alpha
    if config.most > config.n:
        n = torch.randint(config.n, config.most + 1, (count, 1), generator=rng, device=device)
        logs = logs.masked_fill(torch.arange(config.most, device=device) >= n, -torch.inf)
    weights = logs.softmax(1) * (1 - config.include_anchor_weight)
    weights[:, 0] += config.include_anchor_weight
    return weights
