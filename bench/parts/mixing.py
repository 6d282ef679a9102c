"""New latents of a class as convex combinations of its training latents, and a generator that decodes them.

The method is that of ReGene (arXiv 2004.07543); what the latents are is up to the model.
"""

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from bench.api import Codes, Data, Generator, Images, Labels, Spec, to_float
from bench.errors import BenchError


@dataclass(frozen=True)
class MixingConfig:
    """How latents are mixed: settings that a method extends by its own."""

    bank_size: int = 10_000  # latents kept, the same number for each class
    n: int = 2  # latents mixed into one
    n_max: int | None = None  # if given, each image draws its own number from n to n_max
    alpha: float = 1.0  # of the symmetric Dirichlet that weights are drawn from
    neighbours: int | None = 10  # the others are among this many nearest latents to the first; None: all of the class
    include_anchor_weight: float = 0.0  # lower bound on the weight of the first latent

    def __post_init__(self) -> None:
        """Raises ValueError for invalid settings."""
        if self.n < 1:
            raise ValueError(f"n: expected at least 1, got {self.n}")
        if not 0 <= self.include_anchor_weight <= 1:
            raise ValueError(f"include_anchor_weight: expected a value in [0, 1], got {self.include_anchor_weight}")
        if self.alpha <= 0:
            raise ValueError(f"alpha: expected a positive value, got {self.alpha}")
        if self.n_max is not None and self.n_max < self.n:
            raise ValueError(f"n_max: expected at least n = {self.n}, got {self.n_max}")
        if self.neighbours is not None and self.neighbours < self.most - 1:
            raise ValueError(
                f"neighbours: expected at least {self.most - 1} to mix {self.most} latents, got {self.neighbours}"
            )

    @property
    def most(self) -> int:
        """The maximum number of latents mixed into one image."""
        return self.n if self.n_max is None else self.n_max


class Bank(nn.Module):
    """`capacity` latents of each class, in buffers whose shapes do not depend on the data; they are mixed in float32."""

    latents: Tensor  # (k, capacity, d)
    predictions: Tensor  # (k, capacity): the class that the head predicts, -1 for an empty place
    pool: Tensor  # (k, capacity), bool: the latents that may be mixed

    def __init__(self, classes: int, capacity: int, dim: int, dtype: torch.dtype = torch.float32) -> None:
        super().__init__()
        self.capacity = capacity
        self.register_buffer("latents", torch.zeros(classes, capacity, dim, dtype=dtype))
        self.register_buffer("predictions", torch.full((classes, capacity), -1))
        self.register_buffer("pool", torch.zeros(classes, capacity, dtype=torch.bool))

    def fill(self, label: int, latents: Codes) -> None:
        """Store the latents (n, d) of one class without a classification head: all of them may be mixed."""
        self.predictions[label] = -1
        self.predictions[label, : len(latents)] = label
        self.latents[label, : len(latents)] = latents
        self.pool[label] = self.predictions[label] == label

    def fill_classified(self, label: int, latents: Codes, logits: Tensor, least: int) -> int:
        """Store the latents (n, d) of one class and return the number that the head classifies correctly.

        Those form its pool, P_c = {i : y_i = c and p_i = c}. If they are fewer than `least`, the members with the largest
        margins are added.
        """
        others = logits.clone()
        others[:, label] = -torch.inf
        margins = logits[:, label] - others.amax(1)
        self.fill(label, latents)
        self.predictions[label, : len(latents)] = logits.argmax(1)
        correct = self.predictions[label] == label
        self.pool[label] = correct
        if int(correct.sum()) < least:
            self.pool[label, margins.topk(least).indices] = True
        return int(correct.sum())

    def draw(self, labels: Labels, config: MixingConfig, rng: torch.Generator) -> Codes:
        """z* = sum_i a_i z_i for each label: n distinct members of its pool, weights a ~ Dirichlet(alpha)."""
        index = self.draw_sources(labels, config, rng)
        weights = draw_weights(len(labels), config, rng).to(self.latents.device)
        return torch.einsum("ms,msd->md", weights, self.latents[labels.unsqueeze(1), index].float())

    def draw_sources(self, labels: Labels, config: MixingConfig, rng: torch.Generator) -> Tensor:
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
            latents = self.latents[label].float()
            distance = torch.cdist(latents[anchor[rows]], latents)
            distance = distance.masked_fill(~among[rows], torch.inf)
            index = distance.topk(min(count, distance.shape[1]), largest=False).indices
            near[rows] = near[rows].scatter(1, index, True)
        return near


def draw_weights(count: int, config: MixingConfig, rng: torch.Generator) -> Tensor:
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


class Mixer(Generator):
    """A generator whose new images are decoded mixes: `config` is a `MixingConfig`, latents have `dim` columns.

    A method adds a decoder, `encode`, and a training that fills the bank, whose latents are kept in `dtype`.
    """

    config: Any
    decoder: nn.Module
    class_share: Tensor  # (k,), of the training set

    def __init__(self, config: MixingConfig, spec: Spec, dim: int, dtype: torch.dtype = torch.float32) -> None:
        super().__init__(config, spec)
        k = len(spec.classes)
        if config.bank_size < k * config.most:
            raise BenchError(
                f"bank_size: expected at least {k * config.most} for {config.most} latents of each of {k} classes, "
                f"got {config.bank_size}"
            )
        self.dim, self.bank = dim, Bank(k, config.bank_size // k, dim, dtype)
        self.register_buffer("class_share", torch.full((k,), 1 / k))

    # The bank

    def check_counts(self, data: Data) -> None:
        """Raises `BenchError` if a class has fewer images than one mix needs."""
        counts = torch.bincount(data.labels, minlength=len(self.spec.classes))
        for name, count in zip(self.spec.classes, counts.tolist(), strict=True):
            if count < self.config.most:
                raise BenchError(
                    f"class {name!r}: expected at least {self.config.most} training images for mixing, got {count}"
                )

    def draw_members(self, data: Data, rng: torch.Generator) -> list[Tensor]:
        """Random indices of the images of each class that fit into the bank; also stores the class frequencies."""
        order = torch.randperm(len(data), generator=rng, device=rng.device).cpu()
        labels = data.labels.cpu()[order]
        self.class_share.copy_(torch.bincount(labels, minlength=len(self.spec.classes)) / len(labels))
        return [order[labels == label][: self.bank.capacity] for label in range(len(self.spec.classes))]

    def load(self, data: Data, members: Tensor) -> Images:
        """These training images on the device of the model."""
        return to_float(data.images[members.to(data.images.device)].to(self.class_share.device))

    # Capabilities

    @torch.no_grad()
    def sample(self, n: int, rng: torch.Generator) -> Images:
        """Classes are drawn as often as they are in the training set."""
        labels = torch.multinomial(self.class_share.to(rng.device), n, replacement=True, generator=rng)
        return self.sample_class(labels, rng)

    @torch.no_grad()
    def sample_class(self, labels: Labels, rng: torch.Generator) -> Images:
        """D(z*), z* of each label's class."""
        return self.decoder(self._draw(labels, rng))

    @torch.no_grad()
    def sample_mixture(self, weights: Float[Tensor, "n k"], rng: torch.Generator) -> Images:
        """D(sum_c w_c z*_c). The z*_c do not depend on the weights: with one seed, weights alone move the image."""
        weights = weights.to(self.class_share)
        mixed = torch.zeros(len(weights), self.dim, device=weights.device)
        for label, weight in enumerate(weights.unbind(1)):
            mixed += weight.unsqueeze(1) * self._draw(torch.full_like(weight, label, dtype=torch.int64), rng)
        return self.decoder(mixed)

    def _draw(self, labels: Labels, rng: torch.Generator) -> Codes:
        if not self.bank.pool.any():
            who = type(self).__name__
            raise BenchError(f"{who} has no latents to mix; fit it, or load the state of a fitted model")
        return self.bank.draw(labels.to(self.class_share.device), self.config, rng)

    @abstractmethod
    def encode(self, images: Images) -> Codes:
        """The latents of these images."""

    @torch.no_grad()
    def reconstruct(self, images: Images) -> Images:
        """D(E(x))."""
        return self.decoder(self.encode(images))
