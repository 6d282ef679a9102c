"""The values that a metric can have: what lies outside was not measured by it."""

import math

_SHARES = (
    "precision-lite0", "recall-lite0", "coverage-lite0", "class-agreement", "class-agreement-judge2", "cas", "accuracy", "accuracy-all", "ece",
    "ece-adaptive", "copying-lite0", "authenticity-lite0", "mixture-agreement", "reconstruction-agreement",
    "reconstruction-factors", "live-codes", "varying-attributes", "anomaly-auroc",
)  # fmt: skip
_AT_LEAST_0 = (
    "fd-lite0", "fd-lite2", "fd-judge", "fd-judge2", "fid", "clean-fid", "intra-fd-judge", "density-lite0", "nll", "reconstruction-mse",
    "nearest-training-ratio", "nearest-reconstruction-ratio", "diversity-ratio", "bits-per-dimension", "train-images", "train-seconds", "images-per-second",
    "sample-seconds-per-1000", "peak-memory-mb", "parameters",
)  # fmt: skip
RANGES = dict.fromkeys(_SHARES, (0.0, 1.0)) | dict.fromkeys(_AT_LEAST_0, (0.0, math.inf))
RANGES |= {"brier": (0.0, 2.0), "ssim": (-1.0, 1.0), "hacking-gap": (-1.0, 1.0), "inception-score": (1.0, math.inf)}
RANGES |= {"vendi-lite0": (1.0, math.inf)}
SLACK = 1e-6  # of rounding


def outside(metric: str, value: float) -> str:
    """The range of a metric as text if `value` is not in it, or "". A metric that is not listed can have any value."""
    low, high = RANGES.get(metric, (-math.inf, math.inf))
    if low - SLACK <= value <= high + SLACK:
        return ""
    return f"at least {low:g}" if math.isinf(high) else f"{low:g} to {high:g}"
