"""The baselines that a board needs: autoencoders, a Gaussian mixture, and a classifier that draws nothing."""

from collections.abc import Mapping

from bench import Classifier, Generator, hookimpl
from bench_baselines.classifier import PlainClassifier, PlainConfig
from bench_baselines.gmm import Gmm, GmmConfig

__all__ = ["Gmm", "GmmConfig", "PlainClassifier", "PlainConfig", "bench_generators"]


@hookimpl
def bench_generators() -> Mapping[str, type[Generator] | type[Classifier]]:
    """The entries of this plugin."""
    return {"gmm": Gmm, "classifier": PlainClassifier}
