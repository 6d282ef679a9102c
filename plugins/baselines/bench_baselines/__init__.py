"""The baselines that a board needs: autoencoders, a Gaussian mixture, and a classifier that draws nothing."""

from collections.abc import Mapping

from bench import Classifier, Generator, hookimpl
from bench_baselines.ae_mix import AeMix, AeMixConfig
from bench_baselines.classifier import PlainClassifier, PlainConfig
from bench_baselines.disentangled import (
    BetaTcVae,
    BetaTcVaeConfig,
    BetaVae,
    BetaVaeConfig,
    FactorVae,
    FactorVaeConfig,
)
from bench_baselines.gan import ConditionalGan, PlainGan
from bench_baselines.gmm import Gmm, GmmConfig
from bench_baselines.latent_mixture import AeGmm, AeGmmConfig, VaeMix, VaeMixConfig
from bench_baselines.style_gan import StyleGan
from bench_baselines.vae import ConditionalVae, PlainVae, VaeConfig

__all__ = [
    "AeGmm", "AeGmmConfig", "AeMix", "AeMixConfig", "BetaTcVae", "BetaTcVaeConfig", "BetaVae", "BetaVaeConfig", "ConditionalGan",
    "ConditionalVae", "FactorVae", "FactorVaeConfig", "Gmm", "GmmConfig", "PlainClassifier", "PlainConfig", "PlainGan",
    "PlainVae", "StyleGan", "VaeConfig", "VaeMix", "VaeMixConfig", "bench_generators",
]  # fmt: skip

ENTRIES: Mapping[str, type[Generator] | type[Classifier]] = {
    "vae": PlainVae, "cvae": ConditionalVae, "beta-vae": BetaVae, "factor-vae": FactorVae, "beta-tcvae": BetaTcVae,
    "gan": PlainGan, "cgan": ConditionalGan, "style-gan": StyleGan, "ae-mix": AeMix, "ae-gmm": AeGmm, "vae-mix": VaeMix, "gmm": Gmm, "classifier": PlainClassifier,
}  # fmt: skip


@hookimpl
def bench_generators() -> Mapping[str, type[Generator] | type[Classifier]]:
    """The entries of this plugin."""
    return ENTRIES
