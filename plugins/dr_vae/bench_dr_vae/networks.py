"""The VAE of either network: the conv one of `bench.parts`, or that of the authors' release for 64 pixels."""

import torch
from torch import Tensor, nn

from bench import BenchError, Codes, Images, Spec
from bench.parts.vae import Vae, conv_vae
from bench_dr_vae.config import DrVaeConfig

STAGES = 4  # of the authors' network: each halves the image
SPREAD = 0.033  # standard deviation of its first weights
MOMENTUM = 0.05  # of its running statistics: the share of a new batch


def build_vae(config: DrVaeConfig, spec: Spec) -> Vae:
    """Raises `BenchError` if the network cannot process the images."""
    sigma, floor, start = config.pixel_sigma, config.sigma_floor, config.sigma_start
    if config.network == "conv":
        return conv_vae(
            spec.shape, width=config.width, latent_dim=config.latent_dim, sigma=sigma, sigma_floor=floor,
            sigma_start=start, norm=config.norm,
        )  # fmt: skip
    if spec.size % 2**STAGES:
        raise BenchError(
            f"network=discgen: expected a side that is a multiple of {2**STAGES}, got {spec.size} pixels; "
            "use network=conv"
        )
    encoder, decoder = DiscgenEncoder(config, spec), DiscgenDecoder(config, spec)
    vae = Vae(
        encoder, decoder, spec.shape, features=config.hidden, latent_dim=config.latent_dim, sigma=sigma,
        sigma_floor=floor, sigma_start=start,
    )  # fmt: skip
    return initialized(vae)


def initialized(vae: Vae) -> Vae:
    """Weights from N(0, 0.033^2), biases 0."""
    for layer in vae.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
            nn.init.normal_(layer.weight, std=SPREAD)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
    return vae


def normed(layer: nn.Module, channels: int) -> nn.Sequential:
    """The layer, batch norm, ReLU."""
    norm = nn.BatchNorm2d if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d) else nn.BatchNorm1d
    return nn.Sequential(layer, norm(channels, momentum=MOMENTUM), nn.ReLU(inplace=True))


def threes(inputs: int, outputs: int) -> tuple[nn.Sequential, nn.Sequential]:
    """Two 3x3 convolutions."""
    first = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
    return normed(first, outputs), normed(nn.Conv2d(outputs, outputs, 3, padding=1, bias=False), outputs)


class DiscgenEncoder(nn.Module):
    """Four stages of two 3x3 and one 2x2 convolution of stride 2, and a dense layer: images to (n, hidden)."""

    def __init__(self, config: DrVaeConfig, spec: Spec) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        inputs = spec.channels
        for stage in range(STAGES):
            outputs = config.width * 2**stage
            halve = nn.Conv2d(outputs, outputs, 2, stride=2, bias=False)
            layers += [*threes(inputs, outputs), normed(halve, outputs)]
            inputs = outputs
        flat = inputs * (spec.size // 2**STAGES) ** 2
        self.layers = nn.Sequential(
            *layers, nn.Flatten(), normed(nn.Linear(flat, config.hidden, bias=False), config.hidden)
        )

    def forward(self, images: Images) -> Tensor:
        return self.layers(images)


class DiscgenDecoder(nn.Module):
    """Two dense layers, four stages of two 3x3 and one 2x2 transposed convolution of stride 2, 1x1 to pixels, sigmoid."""

    def __init__(self, config: DrVaeConfig, spec: Spec) -> None:
        super().__init__()
        widths, side = [config.width * 2**stage for stage in reversed(range(STAGES))], spec.size // 2**STAGES
        flat = widths[0] * side**2
        self.dense = nn.Sequential(
            normed(nn.Linear(config.latent_dim, config.hidden, bias=False), config.hidden),
            normed(nn.Linear(config.hidden, flat, bias=False), flat),
            nn.Unflatten(1, (widths[0], side, side)),
        )
        layers: list[nn.Module] = []
        for inputs, outputs in zip([widths[0], *widths], widths, strict=False):
            double = nn.ConvTranspose2d(outputs, outputs, 2, stride=2, bias=False)
            layers += [*threes(inputs, outputs), normed(double, outputs)]
        self.layers = nn.Sequential(*layers, nn.Conv2d(widths[-1], spec.channels, 1))

    def forward(self, codes: Codes) -> Images:
        return torch.sigmoid(self.layers(self.dense(codes)).float())
