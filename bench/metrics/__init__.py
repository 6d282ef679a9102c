"""What is measured: the catalogue of metrics, the functions that compute them, and what these may look at."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bench.metrics.catalog import CATALOG as CATALOG
    from bench.metrics.catalog import MetricInfo as MetricInfo
    from bench.metrics.context import EvaluationContext as EvaluationContext
    from bench.metrics.features.base import FeatureSpace as FeatureSpace
    from bench.metrics.metric import Measured as Measured
    from bench.metrics.metric import Metric as Metric
    from bench.metrics.sampling import CHUNK as CHUNK
    from bench.metrics.sampling import draw_samples as draw_samples
    from bench.metrics.spaces import space_states as space_states
    from bench.metrics.table import METRICS as METRICS
    from bench.metrics.table import space_metrics as space_metrics

_HOME = {
    "CATALOG": "catalog",
    "CHUNK": "sampling",
    "METRICS": "table",
    "EvaluationContext": "context",
    "FeatureSpace": "features.base",
    "Measured": "metric",
    "Metric": "metric",
    "MetricInfo": "catalog",
    "draw_samples": "sampling",
    "space_metrics": "table",
    "space_states": "spaces",
}
__all__ = [
    "CATALOG", "CHUNK", "METRICS", "EvaluationContext", "FeatureSpace", "Measured", "Metric", "MetricInfo", "draw_samples",
    "space_metrics", "space_states",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    """Import on first use, so that the catalogue can be read without torch."""
    if name not in _HOME:
        raise AttributeError(f"module 'bench.metrics' has no attribute {name!r}")
    return getattr(import_module(f"bench.metrics.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return __all__
