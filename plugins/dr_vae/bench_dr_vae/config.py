"""All settings of both entries. Section numbers are those of the README."""

from dataclasses import dataclass
from typing import Literal

from bench import require_between
from bench.parts.conv import Norm

Sharing = Literal["element", "layer", "fixed"]


@dataclass(frozen=True)
class DrVaeConfig:
    """What can be set, and every default."""

    # The VAE (section 4)
    network: Literal["conv", "discgen"] = "conv"  # the small one of this repository, or the authors' for 64 pixels
    width: int = 24  # channels of the first stage, doubled by each
    latent_dim: int = 64
    hidden: int = 1_000  # units of the dense layers of network=discgen; conv has none
    norm: Norm = "weight"  # of the decoder of network=conv; batch: stage 4 is of use then; discgen has batch norm

    # The term (sections 2 and 3)
    layers: tuple[str, ...] = ("maps",)  # of the guide; none: the plain VAE
    before_activation: bool = True  # take what goes into the activation that a layer ends in
    features: Literal["guide", "random"] = "guide"  # random: the same architecture, untrained, as a control
    gamma: float = 1.0  # weight of the term; 0: the plain VAE
    term_warmup: float = 0.7  # share of the steps of stage 3 over which the term gains its weight
    per_pixel: bool = True  # divide the term by elements / pixels: it counts as one more image; the authors do not
    feature_sigma: Sharing = "layer"  # who shares a learned sigma; fixed: exp(sigma_start) for all
    pixel_sigma: Sharing = "layer"
    sigma_start: float = 0.0  # log sigma
    sigma_floor: float = -3.0  # log sigma: 0.05; of a layer, times its standard deviation over training images

    # Training (section 5)
    optimizer: Literal["muon", "adam"] = "muon"  # Muon and AdamW on a schedule, or Adam at a constant rate
    batch_size: int = 64
    lr: float = 0.02  # of Muon, AdamW has a quarter of it; Adam wants 0.002
    warmup: float = 0.1  # share of a stage's steps; of optimizer=muon
    sigma_speed: float = 10.0  # learning rate of log sigma over AdamW's or Adam's
    ema: float = 0.999  # of all weights; 0 for none
    adjust_share: float = 0.0  # of the budget, for stage 4, which needs batch norm in the decoder; 0 leaves it out
    adjust_lr: float = 0.1  # learning rate of stage 4 over that of stage 3
    prior_batch: int = 128  # draws from the prior at each step of stage 4

    def __post_init__(self) -> None:
        """Raises ValueError for invalid settings."""
        infinite = float("inf")
        require_between(self, 1, infinite, "width", "latent_dim", "hidden", "prior_batch")
        require_between(self, 2, infinite, "batch_size")  # batch norm needs two
        require_between(self, 0, infinite, "gamma", "lr", "sigma_speed", "adjust_lr")
        require_between(self, 0, 1, "warmup", "term_warmup", "ema")
        require_between(self, 0, 0.9, "adjust_share")
        if self.adjust_share and self.network == "conv" and self.norm != "batch":
            raise ValueError(
                "adjust_share: stage 4 adjusts batch norms; expected norm=batch or network=discgen with it"
            )

    @property
    def term(self) -> bool:
        """Whether the loss has a discriminative term."""
        return bool(self.layers) and self.gamma > 0


@dataclass(frozen=True)
class DrVaeLogitsConfig(DrVaeConfig):
    """The same settings with other defaults: the guide's answer only, all of it at one fixed scale."""

    layers: tuple[str, ...] = ("logits",)
    before_activation: bool = False
    per_pixel: bool = False
    feature_sigma: Sharing = "fixed"
