"""Information distillation: the images of G must show the code to the encoder of the first stage."""

from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from bench import Codes, Images, Labels
from bench.parts.adversarial import Condition, Given
from bench.parts.code_vae import CodeVae
from bench.parts.gaussian import LOG_2PI, draw, log_density


class Distillation(Condition):
    """G is given c, and w_info * L_ID is added to its loss (README, equations 3 and 4)."""

    def __init__(
        self, vae: CodeVae, *, w_info: float, source: Literal["aggregated", "prior"], target: Literal["sample", "mean"]
    ) -> None:
        self.vae, self.w_info, self.source, self.target = vae, w_info, source, target

    @torch.no_grad()
    def draw(self, images: Images, labels: Labels, rng: torch.Generator) -> Given:
        """c ~ q(c|x) of the real images x, or c ~ N(0, I)."""
        mu, log_s = self.vae.encode(images)
        shown = {"l_real": ceiling(log_s)}
        if self.source == "prior":
            codes = torch.randn(mu.shape, generator=rng, device=rng.device)
        else:
            codes = draw(mu, log_s, rng)
        return Given(codes, mu if self.target == "mean" else codes, shown)

    def loss(self, given: Given, images: Images, features: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """w_info * L_ID, with gradient to the images. Without a weight, the encoder is not asked."""
        if not self.w_info:
            return images.new_zeros(()), {}
        assert given.target is not None
        l_id = distillation(given.target, *self.vae.encode(images))
        return self.w_info * l_id, {"l_id": l_id}


def distillation(codes: Codes, mu: Codes, log_s: Codes) -> Float[Tensor, ""]:
    """L_ID, in nats: the batch mean of -log q(c|x~), summed over the codes (README, equation 3)."""
    return -log_density(codes, mu, log_s).mean()


def ceiling(log_s: Codes) -> Float[Tensor, ""]:
    """L_real, in nats: the expectation of the same over c ~ q(c|x) of real images (README, equation 5)."""
    return (0.5 * (LOG_2PI + 1) + log_s).sum(1).mean()
