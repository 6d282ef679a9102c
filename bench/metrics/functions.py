"""Measures as plain functions of arrays or tensors: public, and used by the metrics of the same names."""

from bench.metrics.calibration import adaptive_calibration_error, brier_score, calibration_error, log_loss
from bench.metrics.fidelity import frechet_distance, frechet_from_features
from bench.metrics.inception_score import inception_score
from bench.metrics.kernel import kernel_distance, kernel_distance_of_all
from bench.metrics.manifold import Manifold, manifold
from bench.metrics.vendi import vendi_score

__all__ = [
    "Manifold", "adaptive_calibration_error", "brier_score", "calibration_error", "frechet_distance",
    "frechet_from_features", "inception_score", "kernel_distance", "kernel_distance_of_all", "log_loss", "manifold",
    "vendi_score",
]  # fmt: skip
