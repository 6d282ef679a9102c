"""ID-GAN (arXiv 2001.04296): the code of a VAE, distilled into a GAN."""

from typing import ClassVar

import torch
from torch import Tensor

from bench import Code, Codes, Data, Generator, Images, Run, Spec
from bench.parts.adversarial import build_discriminator, build_generator, fit_gan, require_images, unsigned
from bench.parts.gaussian import draw
from bench_id_gan.config import IdGanConfig, IdGanFactorConfig
from bench_id_gan.distillation import Distillation
from bench_id_gan.stage_one import build_vae, fit_vae, pooled, require_code

BANK = 4_096  # training images whose q(c|x) is kept, to draw codes from
CHUNK = 500  # images encoded together


class IdGan(Generator):
    """G(s, c) with s ~ N(0, I) and the code c of a frozen VAE. Codes are c; `decode` draws s from its `rng`."""

    Config: ClassVar[type] = IdGanConfig
    source = "arXiv 2001.04296"
    config: IdGanConfig

    posteriors: Tensor  # (BANK, 2, latent_dim): mean and log s of q(c|x) of training images

    def __init__(self, config: IdGanConfig, spec: Spec) -> None:
        super().__init__(config, spec)
        self.vae = build_vae(config, spec)
        self.generator = build_generator(config, spec, config.latent_dim)
        self.register_buffer("posteriors", torch.zeros(BANK, 2, config.latent_dim))
        self.code_layout = tuple(Code(f"c{index}", "continuous", (index,)) for index in range(config.latent_dim))
        self.eval()

    def fit(self, data: Data, run: Run) -> None:
        """Both stages. Raises `BenchError` between them if the code collapsed."""
        config = self.config
        require_images(data)
        discriminator = build_discriminator(config, self.spec, run.seed)  # before stage 1: its name may be wrong
        steps = fit_vae(self.vae, config, data, run)
        if steps >= config.gate_steps:
            require_code(self.vae, config, run.validation or data, run.device)
        if config.encoder == "random":
            self._forget(run)
        self._fill_bank(data, run)
        self.vae.requires_grad_(config.encoder == "trained")
        condition = Distillation(self.vae, w_info=config.w_info, source=config.code_source, target=config.target)
        fit_gan(
            self.generator, discriminator, config, data, run, condition, images=run.left,
            also=self.vae.parameters() if config.encoder == "trained" else (), phase="stage 2, gan",
        )  # fmt: skip
        if config.encoder == "trained":
            self._fill_bank(data, run)

    def sample(self, n: int, rng: torch.Generator) -> Images:
        """G(s, c), c from `code_source`."""
        return self.decode(self.draw_codes(n, rng), rng)

    def draw_codes(self, n: int, rng: torch.Generator) -> Codes:
        """c from q(c|x) of training images, or from N(0, I): see `code_source`."""
        if self.config.code_source == "prior":
            return torch.randn(n, self.config.latent_dim, generator=rng, device=rng.device)
        chosen = torch.randint(BANK, (n,), generator=rng, device=rng.device)
        mu, log_s = self.posteriors[chosen].unbind(1)
        return draw(mu, log_s, rng)

    @torch.no_grad()
    def decode(self, codes: Codes, rng: torch.Generator) -> Images:
        """G(s, c), s ~ N(0, I) from `rng`."""
        return unsigned(self.generator.draw(codes, rng))

    @torch.no_grad()
    def encode(self, images: Images) -> Codes:
        """The mean of q(c|x). It says nothing about the nuisance, so images cannot be reconstructed."""
        return self.vae.encode(images)[0]

    def decode_vae(self, codes: Codes) -> Images:
        """What the decoder of the first stage draws, at its own size: the same codes without a nuisance."""
        with torch.no_grad():
            return self.vae.decode(codes)

    @torch.no_grad()
    def _fill_bank(self, data: Data, run: Run) -> None:
        """Keep q(c|x) of training images chosen at random, some of them repeatedly if there are fewer than BANK."""
        chosen = torch.randperm(len(data), generator=torch.Generator().manual_seed(run.seed))[:BANK]
        images = pooled(self.vae, data, run.device, chosen)
        found = torch.cat([torch.stack(self.vae.encode(part), 1) for part in images.split(CHUNK)])
        self.posteriors.copy_(found[torch.arange(BANK) % len(chosen)])

    def _forget(self, run: Run) -> None:
        """Draw new weights for the VAE, as an ablation."""
        with torch.random.fork_rng(range(torch.cuda.device_count())):
            torch.manual_seed(run.seed)
            fresh = build_vae(self.config, self.spec)
        self.vae.load_state_dict(fresh.state_dict())


class IdGanFactor(IdGan):
    """ID-GAN with the code of a FactorVAE (arXiv 1802.05983)."""

    Config = IdGanFactorConfig
    source = "arXiv 2001.04296"
