"""Named configurations: what the authors' release does on each data set (README, section 6)."""

from dataclasses import replace

from bench_id_gan.config import IdGanConfig

CELEBA = IdGanConfig(
    first_stage="beta-vae", latent_dim=20, beta=6.4, capacity=0.0, kl_warmup=0.0, likelihood="gaussian",
    encoder_size=64, vae_width=32, vae_batch=64, vae_optimizer="adam", vae_lr=1e-4, vae_share=0.77,
    width=64, nuisance_dim=256, optimizer="rmsprop", batch_size=64, lr=1e-4, r1=10.0, r1_every=1, ema=0.999,
    flip=True, dequantize=True, w_info=1e-3, code_source="aggregated", target="sample", encoder="frozen",
)  # fmt: skip
CELEBA_256 = replace(CELEBA, batch_size=24)
CELEBA_HQ = replace(CELEBA, width=16, batch_size=1, w_info=1e-4)  # 1024 pixels
CARS = replace(CELEBA, beta=5.0)
CHAIRS = replace(CELEBA, beta=10.0, r1=1_000.0, w_info=1e-4)
DSPRITES = replace(
    CELEBA, latent_dim=10, beta=8.0, likelihood="bernoulli", vae_share=0.63, generator="conv", discriminator="conv",
    width=32, nuisance_dim=0, lr=1e-3, discriminator_speed=0.1, flip=False, dequantize=False, w_info=1e-4,
)  # fmt: skip
RECIPES = {
    "celeba": CELEBA, "celeba-256": CELEBA_256, "celeba-hq": CELEBA_HQ, "cars": CARS, "chairs": CHAIRS,
    "dsprites": DSPRITES,
}  # fmt: skip
