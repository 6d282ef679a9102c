"""A generator in which a style at each scale decides mean and deviation of every channel (arXiv 1812.04948)."""

from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from bench.parts.doubling import doublings
from bench.parts.gan_networks import SLOPE, Drawer, Signed, Vectors, channels

Maps = Float[Tensor, "n c h w"]
Noise = Float[Tensor, "n 1 h w"]
LAYERS = 2  # 3x3 convolutions at each scale
EPSILON = 1e-8
FIRST_SPREAD = 0.5  # deviation of a and b over styles before the training


class AdaIn(nn.Module):
    """y = (1 + a(w)) IN(h) + b(w), with a and b linear in the style w (arXiv 1812.04948, equation 1)."""

    def __init__(self, style: int, count: int) -> None:
        super().__init__()
        self.affine = nn.Linear(style, 2 * count)
        nn.init.normal_(self.affine.weight, std=FIRST_SPREAD * style**-0.5)
        nn.init.zeros_(self.affine.bias)

    def forward(self, maps: Maps, style: Vectors) -> Maps:
        a, b = self.affine(style).to(maps.dtype)[:, :, None, None].chunk(2, 1)
        normal = F.instance_norm(maps, eps=EPSILON).contiguous(memory_format=torch.channels_last)
        return torch.addcmul(b, normal, 1 + a)


class StyleLayer(nn.Module):
    """A 3x3 convolution (none in front of the constant), noise for each pixel, a leaky ReLU, AdaIN."""

    def __init__(self, inputs: int, outputs: int, style: int, *, convolve: bool = True) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(inputs, outputs, 3, padding=1) if convolve else nn.Identity()
        self.gain = nn.Parameter(torch.zeros(outputs, 1, 1))  # of the noise, by channel
        self.norm = AdaIn(style, outputs)

    def forward(self, maps: Maps, style: Vectors, noise: Noise) -> Maps:
        maps = self.convolution(maps)
        maps = torch.addcmul(maps, self.gain.to(maps.dtype), noise.to(maps.dtype))
        return self.norm(F.leaky_relu(maps, SLOPE), style)


class Mapping(nn.Module):
    """A style from [PixelNorm(z), c]: linear layers with leaky ReLUs. c is not normalised, which would mix its codes.

    `gains` has one value for each column of c: its first weights, relative to those of a component of z.
    """

    def __init__(self, z_dim: int, gains: Sequence[float], width: int, depth: int) -> None:
        super().__init__()
        sizes = [z_dim + len(gains), *[width] * depth]
        layers = [nn.Linear(a, b) for a, b in pairwise(sizes)]
        for layer in layers:
            nn.init.kaiming_normal_(layer.weight, a=SLOPE)
            nn.init.zeros_(layer.bias)
        with torch.no_grad():
            layers[0].weight[:, z_dim:] *= torch.tensor(gains)
        self.layers = nn.ModuleList(layers)

    def forward(self, z: Vectors, codes: Vectors) -> Vectors:
        length = z.square().mean(1, keepdim=True).add(EPSILON).rsqrt() if z.shape[1] else 1.0
        style = torch.cat([z * length, codes], 1)
        for layer in self.layers:
            style = F.leaky_relu(layer(style), SLOPE)
        return style


class StyleGenerator(Drawer):
    """G(z, c): a learned constant, then at each scale two style layers. Draws images in [-1, 1].

    `columns` are the columns of c that the styles of each scale depend on, from the smallest scale to the full size, and
    `gains` the first weights of every column, as in `Mapping`. With `shared`, one mapping makes the styles of all scales; otherwise each scale has its own. While training, `mixing` is
    the probability that the finer scales of an image take a second z: c stays, so that it is still what the image shows.
    `stage` is the scale at which images are drawn, from 0 to `scales` - 1; between two, the images of both are blended.
    Raises `BenchError` if the size cannot be reached by doubling.
    """

    def __init__(
        self, shape: tuple[int, int, int], columns: Sequence[Sequence[int]], gains: Sequence[float], *, z_dim: int,
        width: int, mapping_width: int, mapping_depth: int, shared: bool = False, mixing: float = 0.0, blur: bool = False,
        growing: bool = False,
    ) -> None:  # fmt: skip
        super().__init__()
        self.side, doubled = doublings(shape[1])
        counts = channels(width, doubled)[::-1]
        self.scales, self.z_dim, self.mixing, self.blur = doubled + 1, z_dim, mixing, blur
        self.columns = [list(each) for each in columns]
        self.stage: float = doubled
        made = [
            Mapping(z_dim, [gains[column] for column in each], mapping_width, mapping_depth)
            for each in self.columns[: 1 if shared else None]
        ]
        self.mappings = nn.ModuleList(made)
        self.constant = nn.Parameter(torch.randn(1, counts[0], self.side, self.side))
        self.layers = nn.ModuleList()
        for scale, count in enumerate(counts):
            before = counts[max(scale - 1, 0)]
            self.layers.append(StyleLayer(before, count, mapping_width, convolve=scale > 0))
            self.layers.append(StyleLayer(count, count, mapping_width))
        drawn = range(self.scales) if growing else [doubled]
        self.to_pixels = nn.ModuleDict({str(scale): nn.Conv2d(counts[scale], shape[0], 1) for scale in drawn})

    def draw(self, condition: Vectors, rng: torch.Generator) -> Signed:
        """G(z, c) with z and the noise of all pixels from `rng`."""
        n = len(condition)
        z = torch.randn(n, 1, self.z_dim, generator=rng, device=rng.device).expand(-1, self.scales, -1)
        if self.training and self.mixing:
            z = self._mixed(z, rng)
        sides = [self.side << scale for scale in range(self.scales) for _ in range(LAYERS)]
        noise = [torch.randn(n, 1, side, side, generator=rng, device=rng.device) for side in sides]
        drawn: Tensor = self(z, condition.to(z), noise)
        return drawn

    def styles(self, z: Float[Tensor, "n scales d"], condition: Vectors) -> list[Vectors]:
        """The style of each scale."""
        last = len(self.mappings) - 1
        return [
            self.mappings[min(scale, last)](z[:, scale], condition[:, columns])
            for scale, columns in enumerate(self.columns)
        ]

    def forward(self, z: Float[Tensor, "n scales d"], condition: Vectors, noise: Sequence[Noise]) -> Signed:
        styles, last = self.styles(z, condition), int(-(-self.stage // 1))  # rounded up
        maps = self.constant.expand(len(z), -1, -1, -1).contiguous(memory_format=torch.channels_last)
        before = maps
        for scale in range(last + 1):
            before, maps = maps, self._enlarged(maps) if scale else maps
            for layer in (LAYERS * scale, LAYERS * scale + 1):
                maps = self.layers[layer](maps, styles[scale], noise[layer])
        return torch.tanh(self._blended(before, maps, last).float())

    def _blended(self, before: Maps, maps: Maps, last: int) -> Signed:
        """Pixels of the full size from the maps of the last two scales."""
        pixels = self._pixels(maps, last)
        if self.stage == last:
            return pixels
        return torch.lerp(self._pixels(before, last - 1), pixels, self.stage - last + 1)

    def _pixels(self, maps: Maps, scale: int) -> Signed:
        pixels: Tensor = self.to_pixels[str(scale)](maps)
        return F.interpolate(pixels, scale_factor=2.0 ** (self.scales - 1 - scale), mode="nearest")

    def _enlarged(self, maps: Maps) -> Maps:
        maps = F.interpolate(maps, scale_factor=2.0, mode="nearest")
        return blurred(maps) if self.blur else maps

    def _mixed(self, z: Float[Tensor, "n scales d"], rng: torch.Generator) -> Float[Tensor, "n scales d"]:
        """Some rows take a second z from a random scale on."""
        n = len(z)
        second = torch.randn(n, 1, self.z_dim, generator=rng, device=rng.device)
        start = torch.randint(1, max(self.scales, 2), (n, 1, 1), generator=rng, device=rng.device)
        kept = torch.rand(n, 1, 1, generator=rng, device=rng.device) >= self.mixing
        scale = torch.arange(self.scales, device=rng.device)[None, :, None]
        return torch.where(kept | (scale < start), z, second)


def blurred(maps: Maps) -> Maps:
    """Each channel filtered with [1, 2, 1] / 4 in both directions, with the border repeated."""
    padded = F.pad(maps, (1, 1, 1, 1), mode="replicate")
    across = (padded[..., :-2] + 2 * padded[..., 1:-1] + padded[..., 2:]) / 4
    return (across[:, :, :-2] + 2 * across[:, :, 1:-1] + across[:, :, 2:]) / 4
