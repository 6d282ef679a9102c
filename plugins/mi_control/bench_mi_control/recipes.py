"""Named configurations for images of 64, 128 and 256 pixels (README, section 5)."""

from dataclasses import replace

from bench_mi_control.config import MiControlConfig

STYLE_64 = MiControlConfig(
    codes="4: 2, 8: 2, 16: 2, 32: 2, 64: 2", z_dim=512, width=256, mapping_width=512, mapping_depth=8, blur=True,
    style_mixing=0.9, grow=0.5, batch_size=32, lr=1e-3, r1=5.0, r1_every=16, ema=0.999, flip=True,
    w_mi=0.3, posterior_std="fixed", fixed_std=0.7,
)  # fmt: skip
STYLE_128 = replace(STYLE_64, codes="4: 2, 8: 2, 16: 2, 32: 2, 128: 2", width=128, lr=1.5e-3)
STYLE_256 = replace(STYLE_64, codes="4: 2, 8: 2, 16: 2, 32: 2, 256: 2", width=64, lr=2e-3)
RECIPES = {"style-64": STYLE_64, "style-128": STYLE_128, "style-256": STYLE_256}
