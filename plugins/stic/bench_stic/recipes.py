"""Named configurations: what the official release does on CIFAR-10 (README, section 9)."""

from bench_stic.config import SticConfig

CIFAR10 = SticConfig(
    backbone="wrn-28-10", batch_size=64, lr=1e-4, shift=4, flip=True, input_noise=0.03,
    fake_weight=1.0, fake_batch=64, soft_share=0.5, store_size=20_000, restart=0.05,
    eps=1.0, sigma=0.01, steps=20, mh=False, blank_steps=100, gamma=0.0,
)  # fmt: skip
