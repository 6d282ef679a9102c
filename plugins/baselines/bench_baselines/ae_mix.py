"""An autoencoder that no class ever reached, mixed by label as ReGene mixes (arXiv 2004.07543): the control for it."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn

from bench import Codes, Data, Images, Run, Spec
from bench.parts.conv import Decoder
from bench.parts.mixing import Mixer, MixingConfig
from bench.parts.optim import MovingAverage, MuonAdamW
from bench.parts.vae import ConvEncoder

CHUNK = 250  # images encoded at once for the bank


@dataclass(frozen=True)
class AeMixConfig(MixingConfig):
    """Settings and their defaults, which are those of ReGene if it has them; the settings of mixing are inherited."""

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
        super().__post_init__()
        for name, least in (("width", 1), ("latent_dim", 1), ("batch_size", 2)):  # batch norm wants two images
            if getattr(self, name) < least:
                raise ValueError(f"{name}: expected at least {least}, got {getattr(self, name)}")
        for name in ("warmup", "ema"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name}: expected a value in [0, 1], got {getattr(self, name)}")


class AeMix(Mixer):
    """z = E(x), x = D(z), trained on pixels alone; a new image is D of a convex combination of latents of its class."""

    Config = AeMixConfig
    source = "arXiv 2004.07543, of which it is the control"

    def __init__(self, config: AeMixConfig, spec: Spec) -> None:
        super().__init__(config, spec, config.latent_dim)
        body = ConvEncoder(spec.channels, spec.size, config.width)
        self.encoder = nn.Sequential(body, nn.Linear(body.features, config.latent_dim))
        self.decoder = Decoder(spec.channels, spec.size, width=config.width, latent_dim=config.latent_dim)
        self.eval()

    def fit(self, data: Data, run: Run) -> None:
        """Pixels, then the bank. Raises `BenchError` if a class has fewer than n training images."""
        self.check_counts(data)
        self.fit_pixels(data, run)
        self.fill_bank(data, run)

    def fit_pixels(self, data: Data, run: Run) -> None:
        """E and D at once; no label is looked at."""
        config, both = self.config, nn.ModuleList([self.encoder, self.decoder])
        steps = run.steps(run.images, config.batch_size)
        optimizer = MuonAdamW(both, config.lr, steps, precision=run.precision, warmup=config.warmup)
        average = MovingAverage(both, config.ema)
        both.train()
        for x, _ in run.batches(data, config.batch_size, run.images, keep=(optimizer, average)):
            with run.autocast():
                image = self.decoder(self.encoder(x))
            absolute, squared = F.l1_loss(image, x), F.mse_loss(image, x)
            loss = config.pixel_weight * absolute + config.mse_weight * squared
            optimizer.step(loss)
            average.update(both)
            run.log(loss=loss, pixel=absolute, mse=squared)
        both.load_state_dict(average.values)
        both.eval()

    @torch.no_grad()
    def fill_bank(self, data: Data, run: Run) -> None:
        """Encode members of each class drawn at random, in float32: the only place where labels are looked at."""
        for label, members in enumerate(self.draw_members(data, run.rng)):
            latents = [self.encoder(self.load(data, chunk)) for chunk in members.split(CHUNK)]
            self.bank.fill(label, torch.cat(latents))

    @torch.no_grad()
    def encode(self, images: Images) -> Codes:
        """z = E(x)."""
        return self.encoder(images)
