"""An autoencoder that no class ever reached, mixed by label as ReGene mixes (arXiv 2004.07543): the control for it."""

from dataclasses import dataclass

import torch

from bench import Codes, Data, Images, Run, Spec
from bench.parts.mixing import Mixer, MixingConfig
from bench_baselines.autoencoder import AutoencoderConfig, autoencoder, fit_pixels

CHUNK = 250  # images encoded at once for the bank


@dataclass(frozen=True)
class AeMixConfig(AutoencoderConfig, MixingConfig):
    """The settings of the autoencoder and of mixing."""

    def __post_init__(self) -> None:
        """Raises ValueError for invalid settings."""
        MixingConfig.__post_init__(self)
        AutoencoderConfig.__post_init__(self)


class AeMix(Mixer):
    """z = E(x), x = D(z), trained on pixels alone; a new image is D of a convex combination of latents of its class."""

    Config = AeMixConfig
    source = "arXiv 2004.07543, of which it is the control"

    def __init__(self, config: AeMixConfig, spec: Spec) -> None:
        super().__init__(config, spec, config.latent_dim)
        self.encoder, self.decoder = autoencoder(config, spec)
        self.eval()

    def fit(self, data: Data, run: Run) -> None:
        """Pixels, then the bank. Raises `BenchError` if a class has fewer than n training images."""
        self.check_counts(data)
        fit_pixels(self.encoder, self.decoder, self.config, data, run)
        self.fill_bank(data, run)

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
