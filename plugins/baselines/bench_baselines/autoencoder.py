"""A deterministic convolutional autoencoder, trained on pixels alone."""

from dataclasses import dataclass

import torch.nn.functional as F
from torch import nn

from bench import Data, Run, Spec, require_between
from bench.parts.conv import Decoder
from bench.parts.optim import MovingAverage, MuonAdamW
from bench.parts.vae import ConvEncoder


@dataclass(frozen=True)
class AutoencoderConfig:
    """Network and training; the defaults are those of ReGene if it has them."""

    width: int = 32  # channels of the first stage, doubled by each
    latent_dim: int = 256
    batch_size: int = 64
    lr: float = 0.02  # of Muon, the peak of a warm-up and a cosine; AdamW has a quarter of it
    warmup: float = 0.1  # share of the steps
    pixel_weight: float = 1.0  # mean absolute error
    mse_weight: float = 20.0  # mean squared error
    ema: float = 0.999  # of all weights; 0 for none

    def __post_init__(self) -> None:
        """Raises ValueError for invalid settings."""
        require_between(self, 1, float("inf"), "width", "latent_dim")
        require_between(self, 2, float("inf"), "batch_size")  # batch norm wants two images
        require_between(self, 0, float("inf"), "lr", "pixel_weight", "mse_weight")
        require_between(self, 0, 1, "warmup", "ema")


def autoencoder(config: AutoencoderConfig, spec: Spec) -> tuple[nn.Sequential, Decoder]:
    """E and D: images (n, c, h, w) to codes (n, latent_dim) and back."""
    body = ConvEncoder(spec.channels, spec.size, config.width)
    encoder = nn.Sequential(body, nn.Linear(body.features, config.latent_dim))
    return encoder, Decoder(spec.channels, spec.size, width=config.width, latent_dim=config.latent_dim)


def fit_pixels(encoder: nn.Module, decoder: nn.Module, config: AutoencoderConfig, data: Data, run: Run) -> None:
    """Train E and D together for the whole budget; no label is looked at."""
    both = nn.ModuleList([encoder, decoder])
    steps = run.steps(run.images, config.batch_size)
    optimizer = MuonAdamW(both, config.lr, steps, precision=run.precision, warmup=config.warmup)
    average = MovingAverage(both, config.ema)
    both.train()
    for x, _ in run.batches(data, config.batch_size, run.images, keep=(optimizer, average)):
        with run.autocast():
            image = decoder(encoder(x))
        absolute, squared = F.l1_loss(image, x), F.mse_loss(image, x)
        loss = config.pixel_weight * absolute + config.mse_weight * squared
        optimizer.step(loss)
        average.update(both)
        run.log(loss=loss, pixel=absolute, mse=squared)
    both.load_state_dict(average.values)
    both.eval()
