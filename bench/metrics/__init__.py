"""What is measured: the exam of one trained entry, and the table of metrics that look at it."""

from bench.metrics.exam import Exam
from bench.metrics.metric import Measured, Metric
from bench.metrics.sampling import CHUNK, draw_samples
from bench.metrics.spaces import FeatureSpace, space_states
from bench.metrics.table import METRICS, space_metrics

__all__ = [
    "CHUNK", "METRICS", "Exam", "FeatureSpace", "Measured", "Metric", "draw_samples", "space_metrics", "space_states",
]  # fmt: skip
