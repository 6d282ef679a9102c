"""Compare image generators that build on classifiers: the public names for authors of plugins."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bench.api import (
        Classifier as Classifier,
    )
    from bench.api import (
        Code as Code,
    )
    from bench.api import (
        Codes as Codes,
    )
    from bench.api import (
        Data as Data,
    )
    from bench.api import (
        Dataset as Dataset,
    )
    from bench.api import (
        DataSource as DataSource,
    )
    from bench.api import (
        DataState as DataState,
    )
    from bench.api import (
        Factor as Factor,
    )
    from bench.api import (
        Generator as Generator,
    )
    from bench.api import (
        Images as Images,
    )
    from bench.api import (
        Labels as Labels,
    )
    from bench.api import (
        Logits as Logits,
    )
    from bench.api import (
        LogWeights as LogWeights,
    )
    from bench.api import (
        Pixels as Pixels,
    )
    from bench.api import (
        Rendering as Rendering,
    )
    from bench.api import (
        Spec as Spec,
    )
    from bench.api import (
        quantize as quantize,
    )
    from bench.api import (
        to_float as to_float,
    )
    from bench.backbones import ResNetTiny as ResNetTiny
    from bench.backbones import ResNetTinyConfig as ResNetTinyConfig
    from bench.backbones import timm_network as timm_network
    from bench.comparison import Evaluation as Evaluation
    from bench.config import require_between as require_between
    from bench.errors import BenchError as BenchError
    from bench.errors import Diverged as Diverged
    from bench.hookspecs import hookimpl as hookimpl
    from bench.image_metric import ImageMetric as ImageMetric
    from bench.image_metric import ScoredImages as ScoredImages
    from bench.interactive import Board as Board
    from bench.interactive import add_to_board as add_to_board
    from bench.interactive import evaluate as evaluate
    from bench.interactive import leaderboard as leaderboard
    from bench.interactive import run as run
    from bench.muon import Muon as Muon
    from bench.muon import hidden_weights as hidden_weights
    from bench.training_run import Run as Run

_HOME = {
    "BenchError": "bench.errors",
    "Board": "bench.interactive",
    "Diverged": "bench.errors",
    "Evaluation": "bench.comparison",
    "ImageMetric": "bench.image_metric",
    "Muon": "bench.muon",
    "ResNetTiny": "bench.backbones",
    "ResNetTinyConfig": "bench.backbones",
    "Run": "bench.training_run",
    "ScoredImages": "bench.image_metric",
    "add_to_board": "bench.interactive",
    "evaluate": "bench.interactive",
    "hidden_weights": "bench.muon",
    "hookimpl": "bench.hookspecs",
    "leaderboard": "bench.interactive",
    "require_between": "bench.config",
    "run": "bench.interactive",
    "timm_network": "bench.backbones",
}
__all__ = [
    "BenchError", "Board", "Classifier", "Code", "Codes", "Data", "DataSource", "DataState", "Dataset", "Diverged", "Evaluation",
    "Factor", "Generator", "ImageMetric", "Images", "Labels", "LogWeights", "Logits", "Muon", "Pixels", "Rendering", "ResNetTiny", "ResNetTinyConfig",
    "Run", "ScoredImages", "Spec", "add_to_board", "evaluate", "hidden_weights", "hookimpl", "leaderboard", "quantize", "require_between", "run", "timm_network", "to_float",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    """Import on first use, so that `bench --help` does not wait for torch."""
    if name not in __all__:
        raise AttributeError(f"module 'bench' has no attribute {name!r}")
    return getattr(import_module(_HOME.get(name, "bench.api")), name)


def __dir__() -> list[str]:
    return __all__
