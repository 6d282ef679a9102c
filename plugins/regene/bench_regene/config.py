"""All settings of ReGene. Section numbers are those of the README."""

from dataclasses import dataclass
from typing import Literal

from bench.parts.mixing import MixingConfig


@dataclass(frozen=True)
class ReGeneConfig(MixingConfig):
    """What can be set, and every default; how latents are mixed is set by what it extends."""

    # Networks
    backbone: str = "conv"  # the small encoder of this plugin, or the name of a convolutional timm model
    width: int = 32  # channels of the first stage, doubled by each; 64 on a GPU
    latent: Literal["map", "dense"] = "map"  # z: the last map, flattened, or an affine layer and ReLU behind it
    latent_dim: int = 256  # d, of latent=dense; 512 from 64 pixels on
    decoder_convs: int = 2  # 3x3 convolutions after each upsampling, the one to pixels being the last
    upsampling: Literal["bilinear", "nearest"] = "bilinear"  # nearest draws a grid under the feature term

    # Training
    training: Literal["two-stage", "joint"] = "two-stage"  # joint is an ablation, not the method
    classifier_share: float = 0.4  # of the budget, for stage 1; the decoder has the rest
    batch_size: int = 64
    classifier_lr: float = 0.0025  # of Muon in stage 1, the peak of a warm-up and a cosine; higher empties the latents
    lr: float = 0.02  # the same in stage 2, and of joint training
    warmup: float = 0.1  # share of a stage's steps
    joint_weight: float = 0.5  # w of w * reconstruction + (1 - w) * cross-entropy, where training is joint

    # Stage 1: cross-entropy and these
    weight_decay: float = 0.0  # decoupled, as of AdamW; try 0.05
    label_smoothing: float = 0.0
    centre_weight: float = 0.0  # of the centre loss on z; try 0.003

    # Stage 2: the terms of the decoder's loss
    pixel_weight: float = 1.0  # mean absolute error
    mse_weight: float = 20.0  # mean squared error; with less, texture of the terms below shows on flat ground
    feature_weight: float = 0.1  # squared error of the encoder's stages and of z, each over its variance
    class_weight: float = 0.05  # cross-entropy of the decoded image
    cycle_weight: float = 0.0  # squared error of z after the round trip of a mixed latent; try 0.1
    ema: float = 0.999  # of the decoder's weights; 0 for none

    # The bank of latents
    strict_pool: bool = False  # whether a class with too few correctly classified members ends the training

    def __post_init__(self) -> None:
        """Raises ValueError for invalid settings."""
        super().__post_init__()
        at_least_one = ("width", "latent_dim", "decoder_convs", "batch_size")
        for name in at_least_one:
            if getattr(self, name) < 1:
                raise ValueError(f"{name}: expected at least 1, got {getattr(self, name)}")
        for name in ("classifier_share", "warmup", "joint_weight", "label_smoothing", "ema"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name}: expected a value in [0, 1], got {getattr(self, name)}")
