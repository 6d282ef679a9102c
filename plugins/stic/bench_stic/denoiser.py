"""The energy that all classes of Score-STIC share: how far a noisy image is from itself denoised (README, section 8).

The scalings are those of EDM (arXiv 2206.00364); that a score can be the gradient of such an energy is from Salimans
and Ho (2021, "Should EBMs model the energy or the score?").
"""

from itertools import pairwise

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from bench import Spec
from bench_stic.networks import ResidualBlock

COARSEST = 4  # places per side of the coarsest map, or fewer
WIDEST = 4  # times the channels of the finest maps


class DenoisingEnergy(nn.Module):
    """u(x, i) = -|x - D(x, i)|^2 / (2 sigma_i^2), D = c_skip x + c_out F(c_in x, i).

    F is 0 at first. `scale` is the root mean square of clean images on [-1, 1].
    """

    scale: Tensor  # ()

    def __init__(self, spec: Spec, width: int, levels: int) -> None:
        super().__init__()
        self.net = UNet(spec, width, levels)
        self.register_buffer("scale", torch.ones(()))

    def forward(
        self, x: Float[Tensor, "n c h w"], level: Int[Tensor, "n"], sigma: Float[Tensor, "n"]
    ) -> Float[Tensor, "n"]:
        """sigma is the noise of the level of each image."""
        return -self.residual(x, level, sigma).square().flatten(1).sum(1) / 2

    def residual(
        self, x: Float[Tensor, "n c h w"], level: Int[Tensor, "n"], sigma: Float[Tensor, "n"]
    ) -> Float[Tensor, "n c h w"]:
        """(x - D) / sigma: the noise that D takes out, in units of its standard deviation."""
        size, sigma = self.size(sigma), sigma.view(-1, 1, 1, 1)  # c_in = 1 / size
        # c_skip = scale^2 / size^2, c_out = sigma scale / size
        return sigma / size.square() * x - self.scale / size * self.net(x / size, level)

    def size(self, sigma: Float[Tensor, "n"]) -> Float[Tensor, "n 1 1 1"]:
        """The root mean square of noisy images."""
        return (sigma.square() + self.scale.square()).sqrt().view(-1, 1, 1, 1)

    def weight(self, sigma: Float[Tensor, "n"]) -> Float[Tensor, "n"]:
        """Of the loss at a level: under it each level counts about as much, since F has to tell as much at each."""
        return 1 + (sigma / self.scale).square()


class UNet(nn.Module):
    """Residual blocks at each resolution down and up again, SiLU, no norm, each block scaled and shifted by the level."""

    def __init__(self, spec: Spec, width: int, levels: int) -> None:
        super().__init__()
        channels, side = [width], spec.size
        while side > COARSEST:
            channels, side = [*channels, min(2 * channels[-1], WIDEST * width)], -(-side // 2)
        self.multiple = 2 ** (len(channels) - 1)
        self.stem = nn.Conv2d(spec.channels, width, 3, padding=1)
        self.down = nn.ModuleList(ResidualBlock(c, levels) for c in channels)
        self.shrink = nn.ModuleList(nn.Conv2d(a, b, 4, 2, 1) for a, b in pairwise(channels))
        self.enlarge = nn.ModuleList(nn.Conv2d(b, a, 3, padding=1) for a, b in pairwise(channels))
        self.up = nn.ModuleList(ResidualBlock(c, levels) for c in channels)
        self.out = nn.Conv2d(width, spec.channels, 3, padding=1)
        for parameter in self.out.parameters():
            nn.init.zeros_(parameter)

    def forward(self, x: Float[Tensor, "n c h w"], level: Int[Tensor, "n"]) -> Float[Tensor, "n c h w"]:
        height, width = x.shape[2:]
        x = F.pad(x, (0, -width % self.multiple, 0, -height % self.multiple))
        x = self.stem(x)
        finer: list[Tensor] = []
        for block, shrink in zip(self.down, self.shrink, strict=False):
            finer.append(block(x, level))
            x = shrink(finer[-1])
        x = self.up[-1](self.down[-1](x, level), level)
        for number in reversed(range(len(finer))):
            x = self.enlarge[number](F.interpolate(x, scale_factor=2.0)) + finer[number]
            x = self.up[number](x, level)
        return self.out(F.silu(x))[..., :height, :width]
