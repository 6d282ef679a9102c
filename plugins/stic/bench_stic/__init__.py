"""STIC (arXiv 2103.14212): a classifier whose own images are drawn by climbing its logits, and shown to it as fakes."""

from collections.abc import Mapping

from bench import Generator, hookimpl
from bench_stic.attentive import AttentiveStic
from bench_stic.config import AttentiveConfig, ScoreConfig, SticConfig
from bench_stic.model import Drawing, Stic
from bench_stic.score import ScoreStic

__all__ = [
    "AttentiveConfig", "AttentiveStic", "Drawing", "ScoreConfig", "ScoreStic", "Stic", "SticConfig", "bench_generators",
]  # fmt: skip


@hookimpl
def bench_generators() -> Mapping[str, type[Generator]]:
    """The three entries of this plugin."""
    return {"stic": Stic, "stic-attentive": AttentiveStic, "stic-score": ScoreStic}
