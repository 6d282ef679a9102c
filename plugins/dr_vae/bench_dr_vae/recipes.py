"""Named configurations: what the official release does on CelebA at 64 pixels (README, section 4)."""

from bench_dr_vae.config import DrVaeConfig

CELEBA = DrVaeConfig(
    network="discgen", width=32, latent_dim=500, hidden=1_000, layers=("maps",), before_activation=True, gamma=1.0,
    per_pixel=False, feature_sigma="element", pixel_sigma="element", sigma_start=0.0, sigma_floor=-3.0,
    optimizer="adam", batch_size=100, lr=0.002, sigma_speed=1.0, ema=0.0, term_warmup=0.0, adjust_share=1 / 76, adjust_lr=1.0,
    prior_batch=500,
)  # fmt: skip
