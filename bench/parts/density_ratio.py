"""The density-ratio trick of FactorVAE (arXiv 1802.05983): a discriminator of codes from codes permuted in the batch."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bench.api import Codes
from bench.parts.gaussian import PerImage

SLOPE = 0.2  # of leaky ReLU below 0


class DensityRatio(nn.Module):
    """Codes (n, d) to two logits: "as encoded", distributed as q(c), or "permuted", as prod_j q(c_j).

    All weights are drawn from `rng`, on its device. The last layer starts at 0, where both are equally likely.
    """

    def __init__(self, latent_dim: int, *, units: int, layers: int, rng: torch.Generator) -> None:
        super().__init__()
        parts: list[nn.Module] = []
        for inputs in (latent_dim, *[units] * (layers - 1)):
            parts += [linear(inputs, units, rng), nn.LeakyReLU(SLOPE, inplace=True)]
        last = nn.Linear(units, 2, device=rng.device)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        self.layers = nn.Sequential(*parts, last)

    def forward(self, codes: Codes) -> Tensor:
        return self.layers(codes)

    def log_ratio(self, codes: Codes) -> PerImage:
        """log q(c) / prod_j q(c_j), (n,): its mean over q(c) is the total correlation of the codes (equation 3)."""
        encoded, permuted = self(codes).unbind(1)
        return encoded - permuted

    def loss(self, codes: Codes, rng: torch.Generator) -> Tensor:
        """Cross-entropy of telling these codes from permuted ones; ln 2 if it cannot (algorithm 2)."""
        logits = self(torch.cat([codes, permuted(codes, rng)]))
        return F.cross_entropy(logits, torch.arange(2, device=codes.device).repeat_interleave(len(codes)))


def linear(inputs: int, outputs: int, rng: torch.Generator) -> nn.Linear:
    """A linear layer for leaky ReLU (arXiv 1502.01852)."""
    layer = nn.Linear(inputs, outputs, device=rng.device)
    nn.init.kaiming_normal_(layer.weight, a=SLOPE, generator=rng)
    nn.init.zeros_(layer.bias)
    return layer


def permuted(codes: Codes, rng: torch.Generator) -> Codes:
    """Each column in a random order of its own: the same values, but independent of the other columns (algorithm 1)."""
    order = torch.rand(codes.shape, generator=rng, device=rng.device).argsort(0).to(codes.device)
    return codes.gather(0, order)
