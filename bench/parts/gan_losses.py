"""Losses of the two players: logistic with R1 (arXiv 1801.04406), and Wasserstein with a penalty (arXiv 1704.00028).

All take logits in float32, (n,), of images in [-1, 1].
"""

from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from bench.parts.gan_networks import Discriminator, Signed

LossName = Literal["logistic", "wasserstein"]
Logits = Float[Tensor, "n"]
Loss = Float[Tensor, ""]
PENALTY, DRIFT = 10.0, 0.001  # weights of the gradient penalty, and of the squares of D on real images


def loss_of_discriminator(of_real: Logits, of_fakes: Logits, name: LossName) -> Loss:
    """softplus(-D(x)) + softplus(D(G(s))), or D(G(s)) - D(x) + DRIFT D(x)^2; batch means."""
    if name == "logistic":
        return F.softplus(-of_real).mean() + F.softplus(of_fakes).mean()
    return (of_fakes - of_real).mean() + DRIFT * of_real.square().mean()


def loss_of_generator(of_fakes: Logits, name: LossName) -> Loss:
    """softplus(-D(G(s))), which does not saturate, or -D(G(s)); batch means."""
    return F.softplus(-of_fakes).mean() if name == "logistic" else -of_fakes.mean()


def r1_penalty(logits: Logits, images: Signed) -> Loss:
    """The mean over images of |grad_x D(x)|^2, with a graph (arXiv 1801.04406, equation 9, without gamma / 2).

    `logits` are D(x) of these images, which require a gradient; each depends on its own image alone.
    """
    return _squared_gradients(logits, images).mean()


def gradient_penalty(discriminator: Discriminator, real: Signed, fakes: Signed, rng: torch.Generator) -> Loss:
    """The mean over images of (|grad_x D(x)| - 1)^2 at random points between real images and fakes (1704.00028, eq. 3)."""
    share = torch.rand(len(real), 1, 1, 1, generator=rng, device=rng.device)
    between = torch.lerp(real.detach(), fakes, share).requires_grad_(True)
    lengths = (_squared_gradients(discriminator(between).float(), between) + 1e-12).sqrt()
    return (lengths - 1).square().mean()


def _squared_gradients(logits: Logits, images: Signed) -> Float[Tensor, "n"]:
    (gradient,) = torch.autograd.grad(logits.sum(), images, create_graph=True)
    return gradient.float().square().sum((1, 2, 3))
