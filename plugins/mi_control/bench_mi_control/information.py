"""Mutual information of the codes and the images: its bound in both losses, and how much each code conveys."""

import logging
import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from bench import Codes, Images
from bench.parts.adversarial import Asked, Given
from bench.parts.code_bounds import categorical_bound, circular_bound, uniform_bound
from bench.parts.gan_networks import Vectors
from bench.parts.scale_codes import ScaleCode, values_of
from bench.parts.style_model import RandomCodes, StyleModel
from bench_mi_control.posterior import Posterior

DEAD = 0.05  # nats: a code that conveys less is dead
NAMED_AFTER = 0.3  # share of the training after which dead codes are named
SHOWN_EVERY = 20  # updates between two computations of the bounds to log
FEWEST = 500  # steps of a training that can tell dead codes
MEMORY = 0.99  # decay of the average of what the bounds are computed from
CHANCE = {"continuous": 1 / 3, "circular": 0.0}  # a squared error of 1/3 is that of the mean of the prior
log = logging.getLogger(__name__)


class MutualInformation(RandomCodes):
    """G is given codes, and both players maximise the bound L_I of how much its images tell about them (equation 1)."""

    def __init__(
        self, model: StyleModel, posterior: Posterior, bounds: "Bounds", *, weight: float, steps: int
    ) -> None:  # fmt: skip
        super().__init__(model)
        self.posterior, self.bounds, self.weight = posterior, bounds, weight
        self._next = NAMED_AFTER if steps >= FEWEST else math.inf

    def progress(self, done: float) -> None:
        """From NAMED_AFTER on, name the codes that are dead, five times in all."""
        super().progress(done)
        if done < self._next:
            return
        self._next = (done + (1 - NAMED_AFTER) / 4) if done < 1 else math.inf
        dead = self.bounds.dead()
        if dead:
            found = ", ".join(dead)
            log.warning("dead codes after %.0f%% of the training (below %.2f nats): %s", 100 * done, DEAD, found)

    def loss(self, given: Given, images: Images, features: Vectors) -> Asked:
        """-lambda L_I for G."""
        loss, means = self._asked(given, features)
        self.bounds.update(given.vectors, means.detach())
        return loss, self.bounds.shown()

    def loss_of_discriminator(self, given: Given, features: Vectors) -> Asked:
        """-lambda L_I for the features and for Q."""
        return self._asked(given, features)[0], {}

    def _asked(self, given: Given, features: Vectors) -> tuple[Tensor, Codes]:
        means, log_std = self.posterior(features)
        log_q = self.posterior.log_density(given.vectors, means, log_std)
        return -self.weight * torch.stack(list(log_q.values())).sum(0).mean(), means


class Bounds(nn.Module):
    """What each code conveys, in nats, with the spread of Q fitted again: an average over past batches.

    `errors` is, for each code, the mean squared error of a continuous code, the mean cosine of the error of an angle, or
    the cross entropy of a categorical code.
    """

    errors: Tensor

    def __init__(self, codes: Sequence[ScaleCode]) -> None:
        super().__init__()
        self.codes = tuple(codes)
        chance = [CHANCE.get(code.kind, math.log(len(code.columns))) for code in codes]
        self.register_buffer("errors", torch.tensor(chance))
        self._shown: dict[str, float] = {}
        self._updates = 0

    @torch.no_grad()
    def update(self, codes: Codes, means: Codes) -> None:
        """With one batch of codes and of what Q reads, each (n, columns)."""
        self.errors.lerp_(errors_of(self.codes, codes, means), 1 - MEMORY)

    def of_codes(self) -> dict[str, float]:
        """The bound of each code, in nats (README, equation 3)."""
        return {code.name: bound(code, error) for code, error in zip(self.codes, self.errors.tolist(), strict=True)}

    def dead(self) -> list[str]:
        return [name for name, nats in self.of_codes().items() if nats < DEAD]

    def shown(self) -> dict[str, float]:
        """The values to log: the sum of the bounds, where negative ones count as 0, how many codes are live, and each.

        They are new after every SHOWN_EVERY updates only: on a GPU they have to be waited for.
        """
        if self._updates % SHOWN_EVERY == 0 or not self._shown:
            found = self.of_codes()
            live = len(found) - len(self.dead())
            self._shown = {"nats": sum(max(it, 0.0) for it in found.values()), "live": float(live)}
            self._shown |= {f"nats_{name}": nats for name, nats in found.items()}
        self._updates += 1
        return self._shown


def errors_of(layout: Sequence[ScaleCode], codes: Codes, means: Codes) -> Tensor:
    """What `Bounds.errors` averages, for one batch: (k,)."""
    pairs = ((code, values_of(codes, code), values_of(means, code)) for code in layout)
    return torch.stack([_error(code, c, mean) for code, c, mean in pairs])


def bound(code: ScaleCode, error: float) -> float:
    """I(c_i; x) >= this many nats, from the error with which Q reads the code (README, equation 3)."""
    found = torch.tensor(error)
    if code.kind == "categorical":
        return float(categorical_bound(found, len(code.columns)))
    return float(uniform_bound(found) if code.kind == "continuous" else circular_bound(found))


def ceiling(code: ScaleCode) -> float | None:
    """The entropy of a categorical code, in nats. None for others: a code that is read exactly has no largest bound."""
    return math.log(len(code.columns)) if code.kind == "categorical" else None


def _error(code: ScaleCode, c: Tensor, mean: Tensor) -> Tensor:
    if code.kind == "continuous":
        return (c - mean).square().mean()
    if code.kind == "circular":
        return torch.cosine_similarity(c, mean, dim=1).mean()
    return -(c * mean.log_softmax(1)).sum(1).mean()
