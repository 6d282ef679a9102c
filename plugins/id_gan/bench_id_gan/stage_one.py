"""Stage 1: a VAE with a disentangled code, and what it must have learned before stage 2 starts."""

import torch
from torch import Tensor

from bench import BenchError, Data, Images, Run, Spec, to_float
from bench.parts.code_vae import CodeVae
from bench.parts.disentangling import (
    ACTIVE,
    BetaObjective,
    FactorObjective,
    Objective,
    TcObjective,
    kl_of_codes,
    train_code_vae,
)
from bench_id_gan.config import IdGanConfig

PROBED = 2_000  # images that the KL is measured on
CHUNK = 2**20  # pixels of images that are pooled together


def build_vae(config: IdGanConfig, spec: Spec) -> CodeVae:
    """The VAE, at the size of the images or, if they are larger, at `encoder_size`.

    Raises `BenchError` if images cannot be pooled to that size exactly.
    """
    side = min(spec.size, config.encoder_size)
    if spec.size % side:
        raise BenchError(
            f"encoder_size: expected a divisor of the image side, got {config.encoder_size} for {spec.size} pixels"
        )
    shape = (spec.channels, side, side)
    return CodeVae(shape, latent_dim=config.latent_dim, width=config.vae_width, likelihood=config.likelihood)


def fit_vae(vae: CodeVae, config: IdGanConfig, data: Data, run: Run) -> int:
    """Train it on its share of the budget; the number of steps."""
    images = run.share(config.vae_share)
    train_code_vae(
        vae, data, run, images, objective(config, run, len(data)), batch_size=config.vae_batch, lr=config.vae_lr,
        optimizer=config.vae_optimizer, phase=f"stage 1, {config.first_stage}",
    )  # fmt: skip
    return run.steps(images, config.vae_batch)


def objective(config: IdGanConfig, run: Run, n: int) -> Objective:
    """The loss of stage 1, for n training images."""
    warmup = config.kl_warmup
    if config.first_stage == "factor-vae":
        return FactorObjective(config.latent_dim, gamma=config.gamma, rng=run.rng, kl_warmup=warmup)
    if config.first_stage == "beta-tcvae":
        return TcObjective(config.beta, n, kl_warmup=warmup)
    return BetaObjective(config.beta, capacity=config.capacity, kl_warmup=warmup)


@torch.no_grad()
def pooled(vae: CodeVae, data: Data, device: torch.device, index: Tensor) -> Images:
    """These images at the side of the VAE, a few at a time: large ones do not fit into memory together."""
    count = max(1, CHUNK // data.spec.size**2)
    parts = (to_float(data.images[part].to(device)) for part in index.split(count))
    return torch.cat([vae.fit_size(part) for part in parts])


def require_code(vae: CodeVae, config: IdGanConfig, data: Data, device: torch.device) -> None:
    """The gate. Raises `BenchError` with what it saw if the code carries too little for stage 2."""
    kl = kl_of_codes(vae, pooled(vae, data, device, torch.arange(min(PROBED, len(data)))))
    total, active = float(kl.sum()), int((kl > ACTIVE).sum())
    if total < config.least_kl or active < config.least_active:
        raise BenchError(
            f"stage 1 has too little in its code for stage 2: expected a KL of at least {config.least_kl:g} nats and "
            f"{config.least_active} codes above {ACTIVE} nats, got {total:.2f} nats and {active} of {len(kl)} codes; "
            "lower beta, or set likelihood=bernoulli, a longer kl_warmup or a capacity"
        )
