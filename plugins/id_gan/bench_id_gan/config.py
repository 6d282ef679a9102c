"""All settings of both entries. Section numbers are those of the README."""

from dataclasses import dataclass
from typing import Literal

from bench import require_between
from bench.parts.adversarial import GanConfig
from bench.parts.disentangling import OptimizerName


@dataclass(frozen=True)
class IdGanConfig(GanConfig):
    """What can be set, and every default. Those of the GAN alone are defined by `GanConfig`."""

    # Stage 1: the code (section 3)
    first_stage: Literal["beta-vae", "factor-vae", "beta-tcvae"] = "beta-vae"
    latent_dim: int = 10
    beta: float = 2.0  # weight of the KL, of the total correlation for beta-tcvae
    gamma: float = 6.4  # weight of the total correlation; of first_stage=factor-vae
    capacity: float = 0.0  # nats that the KL is drawn to; 0: none
    kl_warmup: float = 0.2  # share of the steps over which the weight of the KL rises from 0
    likelihood: Literal["bernoulli", "gaussian"] = "bernoulli"
    encoder_size: int = 64  # pixels; larger images are pooled to it
    vae_width: int = 32  # channels of the first layer
    vae_batch: int = 64
    vae_optimizer: OptimizerName = "muon"  # Muon and AdamW, or Adam; both on a schedule
    vae_lr: float = 0.02  # of Muon, AdamW has a quarter of it; Adam wants 0.001
    vae_share: float = 0.25  # of the budget

    # Between the stages (section 4)
    least_kl: float = 3.0  # nats
    least_active: int = 3  # codes with a KL above 0.3 nats
    gate_steps: int = 500  # of stage 1; after fewer, the KL does not tell whether it collapsed

    # Stage 2: the GAN (section 5)
    w_info: float = 0.01  # weight of the distillation term
    code_source: Literal["aggregated", "prior"] = "aggregated"  # q(c|x) of real images, or N(0, I)
    target: Literal["sample", "mean"] = "sample"  # what G's images are compared with: c, or the mean of q(c|x)
    encoder: Literal["frozen", "random", "trained"] = "frozen"  # as stage 1 left it, untrained, or trained with G

    def __post_init__(self) -> None:
        """Raises ValueError for invalid settings."""
        super().__post_init__()
        infinite = float("inf")
        require_between(self, 1, infinite, "latent_dim", "encoder_size", "vae_width")
        require_between(self, 2, infinite, "vae_batch")
        require_between(self, 0, infinite, "beta", "gamma", "capacity", "vae_lr", "least_kl", "least_active")
        require_between(self, 0, infinite, "gate_steps", "w_info")
        require_between(self, 0, 1, "kl_warmup")
        require_between(self, 0.01, 0.99, "vae_share")
        if self.target == "mean" and self.code_source == "prior":
            raise ValueError("target=mean needs code_source=aggregated: a draw from the prior is not of an image")


@dataclass(frozen=True)
class IdGanFactorConfig(IdGanConfig):
    """The same with the code of a FactorVAE."""

    first_stage: Literal["beta-vae", "factor-vae", "beta-tcvae"] = "factor-vae"
