"""The baselines that a board needs: autoencoders, a Gaussian mixture, and a classifier that draws nothing."""

from collections.abc import Mapping

from bench import Classifier, Generator, hookimpl
from bench_baselines.ae_mix import AeMix, AeMixConfig
from bench_baselines.classifier import PlainClassifier, PlainConfig
from bench_baselines.gan import ConditionalGan, PlainGan
from bench_baselines.gmm import Gmm, GmmConfig
from bench_baselines.vae import ConditionalVae, PlainVae, VaeConfig

__all__ = [
    "AeMix", "AeMixConfig", "ConditionalGan", "ConditionalVae", "Gmm", "GmmConfig", "PlainClassifier", "PlainConfig", "PlainGan", "PlainVae",
    "VaeConfig", "bench_generators",
]  # fmt: skip


@hookimpl
def bench_generators() -> Mapping[str, type[Generator] | type[Classifier]]:
    """The entries of this plugin."""
    return {
        "vae": PlainVae, "cvae": ConditionalVae, "ae-mix": AeMix, "gmm": Gmm, "classifier": PlainClassifier,
        "gan": PlainGan, "cgan": ConditionalGan,
    }  # fmt: skip
