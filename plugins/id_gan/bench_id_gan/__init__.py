"""A disentangled code of a VAE, distilled into a GAN that draws sharp images of it (arXiv 2001.04296)."""

from collections.abc import Mapping

from bench import Generator, hookimpl
from bench_id_gan.config import IdGanConfig, IdGanFactorConfig
from bench_id_gan.model import IdGan, IdGanFactor

__all__ = ["IdGan", "IdGanConfig", "IdGanFactor", "IdGanFactorConfig", "bench_generators"]


@hookimpl
def bench_generators() -> Mapping[str, type[Generator]]:
    """The code comes from a beta-VAE, or from a FactorVAE."""
    return {"id-gan": IdGan, "id-gan-factor": IdGanFactor}
