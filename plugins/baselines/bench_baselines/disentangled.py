"""VAEs for codes that follow one factor each: beta-VAE, FactorVAE and beta-TCVAE over one network. README, section 7."""

import math
from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from bench import Data, Run, Spec, require_between
from bench.parts.code_vae import CodeVae, Likelihood
from bench.parts.disentangling import (
    BetaObjective,
    FactorObjective,
    Objective,
    OptimizerName,
    TcObjective,
    train_code_vae,
)
from bench.parts.vae_generator import VaeGenerator


@dataclass(frozen=True)
class DisentangledConfig:
    """What all three have in common: the network, the likelihood and the optimizer, with every default."""

    latent_dim: int = 10
    width: int = 32  # channels of the first two convolutions; twice as many after these
    hidden: int = 256  # units between the last map and the code, on both sides
    likelihood: Likelihood = "bernoulli"
    kl_warmup: float = 0.2  # share of the steps over which all but the reconstruction error gains its weight
    batch_size: int = 64
    optimizer: OptimizerName = "muon"
    lr: float = 0.02  # of Muon, AdamW has a quarter of it; Adam wants 0.001; peak of a warm-up and a cosine
    warmup: float = 0.05  # share of the steps

    def __post_init__(self) -> None:
        """Raises ValueError for invalid settings."""
        require_between(self, 1, math.inf, "latent_dim", "width", "hidden", "batch_size")
        require_between(self, 0, math.inf, "lr")
        require_between(self, 0, 1, "kl_warmup", "warmup")


@dataclass(frozen=True)
class BetaVaeConfig(DisentangledConfig):
    """Settings of `beta-vae`."""

    beta: float = 2.0  # weight of the KL
    capacity: float = 0.0  # nats that the KL is drawn to, rising from 0 over the training; 0: to none

    def __post_init__(self) -> None:
        """Raises ValueError for invalid settings."""
        super().__post_init__()
        require_between(self, 0, math.inf, "beta", "capacity")


@dataclass(frozen=True)
class FactorVaeConfig(DisentangledConfig):
    """Settings of `factor-vae`."""

    gamma: float = 6.4  # weight of the total correlation
    units: int = 1_000  # of each layer of the discriminator
    layers: int = 6
    discriminator_lr: float = 1e-4

    def __post_init__(self) -> None:
        """Raises ValueError for invalid settings."""
        super().__post_init__()
        require_between(self, 2, math.inf, "batch_size")  # one code cannot be permuted
        require_between(self, 1, math.inf, "units", "layers")
        require_between(self, 0, math.inf, "gamma", "discriminator_lr")


@dataclass(frozen=True)
class BetaTcVaeConfig(DisentangledConfig):
    """Settings of `beta-tcvae`."""

    beta: float = 6.0  # weight of the total correlation

    def __post_init__(self) -> None:
        """Raises ValueError for invalid settings."""
        super().__post_init__()
        require_between(self, 2, math.inf, "batch_size")  # the total correlation of one code is a constant
        require_between(self, 0, math.inf, "beta")


class DisentangledVae(VaeGenerator):
    """A `CodeVae` and its training; what it is trained on is left to the method."""

    config: DisentangledConfig
    vae: CodeVae

    def __init__(self, config: DisentangledConfig, spec: Spec) -> None:
        super().__init__(config, spec)
        self.vae = CodeVae(
            spec.shape, latent_dim=config.latent_dim, width=config.width, hidden=config.hidden,
            likelihood=config.likelihood,
        )  # fmt: skip
        self.eval()

    @property
    def no_density(self) -> str:
        """Why there is no density of grey levels, or ""."""
        return "likelihood=bernoulli is no density of grey levels" if self.config.likelihood == "bernoulli" else ""

    @abstractmethod
    def objective(self, data: Data, run: Run) -> Objective:
        """What the VAE is trained on."""

    def fit(self, data: Data, run: Run) -> None:
        """One phase with the whole budget. Raises `BenchError` for a training set of one image."""
        config = self.config
        train_code_vae(
            self.vae, data, run, run.images, self.objective(data, run), batch_size=config.batch_size, lr=config.lr,
            optimizer=config.optimizer, warmup=config.warmup,
        )  # fmt: skip


class BetaVae(DisentangledVae):
    """R + beta KL, or R + beta |KL - C| with a capacity C that rises during the training."""

    Config: ClassVar[type] = BetaVaeConfig
    source = "Higgins et al., beta-VAE: Learning Basic Visual Concepts (...), ICLR 2017; arXiv 1804.03599"
    config: BetaVaeConfig

    def objective(self, data: Data, run: Run) -> Objective:
        return BetaObjective(self.config.beta, self.config.capacity, self.config.kl_warmup)


class FactorVae(DisentangledVae):
    """R + KL + gamma TC, the total correlation from a discriminator of codes from permuted codes."""

    Config: ClassVar[type] = FactorVaeConfig
    source = "arXiv 1802.05983"
    config: FactorVaeConfig

    def objective(self, data: Data, run: Run) -> Objective:
        config = self.config
        return FactorObjective(
            config.latent_dim, gamma=config.gamma, rng=run.rng, kl_warmup=config.kl_warmup, units=config.units,
            layers=config.layers, lr=config.discriminator_lr,
        )  # fmt: skip


class BetaTcVae(DisentangledVae):
    """R + KL + (beta - 1) TC, the total correlation from the other codes of the batch."""

    Config: ClassVar[type] = BetaTcVaeConfig
    source = "arXiv 1802.04942"
    config: BetaTcVaeConfig

    def objective(self, data: Data, run: Run) -> Objective:
        return TcObjective(self.config.beta, len(data), self.config.kl_warmup)
