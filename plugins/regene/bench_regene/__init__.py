"""ReGene (arXiv 2004.07543): new images of a class are decoded convex combinations of its classifier latents."""

from collections.abc import Mapping

from bench import Generator, hookimpl
from bench_regene.config import ReGeneConfig
from bench_regene.model import ReGene

__all__ = ["ReGene", "ReGeneConfig", "bench_generators"]


@hookimpl
def bench_generators() -> Mapping[str, type[Generator]]:
    """The one entry of this plugin."""
    return {"regene": ReGene}
