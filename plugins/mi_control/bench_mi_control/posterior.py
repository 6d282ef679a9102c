"""Q(c|x), the factor posterior: a head on the features of the discriminator."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from bench import Codes
from bench.parts.gan_networks import SLOPE, Vectors
from bench.parts.gaussian import LOG_2PI
from bench.parts.scale_codes import ScaleCode, values_of
from bench_mi_control.config import MiControlConfig

CLAMP = 1.0  # a learned log s stays in [-CLAMP, CLAMP]: without it Q becomes too sure of itself
PerImage = Float[Tensor, "n"]


class Posterior(nn.Module):
    """Features (n, features) to the parameters of a factorised Q: means of continuous and circular codes, logits of
    categorical ones, one column for each column of the codes; then log s of each, if it is learned.

    A fixed s is in proportion to the deviation of the code, so that circular codes are worth as much as continuous ones.
    """

    log_std: Tensor

    def __init__(self, codes: Sequence[ScaleCode], config: MiControlConfig, features: int) -> None:
        super().__init__()
        self.codes, self.learned = tuple(codes), config.posterior_std == "learned"
        stds = [config.fixed_std * (3 * code.variance) ** 0.5 for code in codes for _ in code.columns]
        self.register_buffer("log_std", torch.tensor(stds).log(), persistent=False)
        self.columns = len(stds)
        self.layers = nn.Sequential(
            nn.Linear(features, config.posterior_width),
            nn.LeakyReLU(SLOPE),
            nn.Linear(config.posterior_width, self.columns * (2 if self.learned else 1)),
        )

    def forward(self, features: Vectors) -> tuple[Codes, Codes]:
        """Means or logits, and log s, each (n, columns), in float32."""
        found = self.layers(features).float()
        means, rest = found[:, : self.columns], found[:, self.columns :]
        return means, rest.clamp(-CLAMP, CLAMP) if self.learned else self.log_std.expand_as(means)

    def log_density(self, codes: Codes, means: Codes, log_std: Codes) -> dict[str, PerImage]:
        """log Q_i(c_i|x) of each code, in nats (README, equation 2)."""
        return {code.name: self._of_code(code, codes, means, log_std) for code in self.codes}

    def read(self, means: Codes) -> Codes:
        """The codes that the images show: means within [-1, 1], points of the circle, probabilities."""
        return torch.cat([_as_code(code, values_of(means, code)) for code in self.codes], 1)

    def _of_code(self, code: ScaleCode, codes: Codes, means: Codes, log_std: Codes) -> PerImage:
        c, mean, log_s = (values_of(table, code) for table in (codes, means, log_std))
        if code.kind == "categorical":
            return (c * F.log_softmax(mean, 1)).sum(1)
        return (-0.5 * ((c - mean) / log_s.exp()).square() - log_s - 0.5 * LOG_2PI).sum(1)


def _as_code(code: ScaleCode, means: Tensor) -> Tensor:
    if code.kind == "categorical":
        return means.softmax(1)
    return means.clamp(-1, 1) if code.kind == "continuous" else F.normalize(means, dim=1)
