"""Metrics that other distributions bring: as plain values in a plan, and as metrics that can be computed.

Their protocol says by whom they were brought, which side is better, and which files computed them, so that a board can
be shown without them, and that a metric whose files changed is measured again.
"""

import math
from dataclasses import dataclass
from importlib import import_module
from numbers import Real
from typing import Any

import torch

from bench.errors import BenchError
from bench.image_metric import ImageMetric, ScoredImages
from bench.metrics.catalog import CLASSES, LABELLED, SAMPLES, MetricInfo
from bench.metrics.context import EvaluationContext
from bench.metrics.metric import Measured, Metric, NotMeasured
from bench.metrics.scale import Scale
from bench.training_run import generator
from bench.util.hashing import tensor_digest

DIGITS = 8  # of the digest in a protocol


@dataclass(frozen=True)
class Brought:
    """What a plan knows of a metric: plain values, from which a worker finds its class."""

    name: str
    about: str
    better: str  # lower, higher or neither
    unit: str
    needs_labels: bool
    needs_judge: bool
    version: int
    distribution: str
    digest: str  # of the files of its plugin
    module: str
    qualname: str

    @property
    def stamp(self) -> str:
        """The end of its protocol: the better side, the version, and the digest of its files."""
        return f"{self.better}:v{self.version}-{self.digest[:DIGITS]}"


def describe(target: type[ImageMetric], name: str, distribution: str, digest: str) -> Brought:
    """A metric as plain values."""
    return Brought(
        name, " ".join(target.about.split()), target.better or "neither", target.unit, target.needs_labels,
        target.needs_judge, target.version, distribution, digest, target.__module__, target.__qualname__,
    )  # fmt: skip


def metric_of(brought: Brought) -> Metric:
    """The metric, with the needs, the protocol and the mark of its kind. Its class is imported when it is computed."""
    needs: tuple[str, ...] = LABELLED if brought.needs_labels else SAMPLES
    needs += (CLASSES,) if brought.needs_judge and CLASSES not in needs else ()
    info = MetricInfo(
        brought.name, brought.about, None if brought.better == "neither" else brought.better, brought.unit, needs,  # type: ignore[arg-type]
        version=brought.version, brought_by=brought.distribution,
    )  # fmt: skip
    return _BroughtMetric(
        **vars(info),
        compute=lambda context: measure(brought, context),
        settings=lambda scale: f"n={scale.n},ref={scale.reference}",
        stamp=brought.stamp,
    )


@dataclass(frozen=True, kw_only=True)
class _BroughtMetric(Metric):
    stamp: str

    def protocol(self, scale: Scale) -> str:
        """E.g. `spectrum@bench-spectrum:n=2000,ref=5000:lower:v1-3fa9c1d2`."""
        return f"{self.name}@{self.brought_by}:{self.settings(scale)}:{self.stamp}"


def measure(brought: Brought, context: EvaluationContext) -> Measured:
    """Compute a metric. Raises `BenchError` if its value is not a number in its range or if it changed the images."""
    target = find_class(brought.module, brought.qualname)
    if reason := target.not_for(context.spec):
        raise NotMeasured(reason)
    images = images_of(context, brought)
    before = _digest(images)
    value = checked(target, brought.name, target().measure(images))
    if _digest(images) != before:
        raise BenchError(f"{brought.name} changed the images that it measured; a metric must work on copies")
    return Measured(value, context.n)


def find_class(module: str, qualname: str) -> type[ImageMetric]:
    """The class of a metric."""
    found: Any = import_module(module)
    for name in qualname.split("."):
        found = getattr(found, name)
    target: type[ImageMetric] = found
    return target


def images_of(context: EvaluationContext, brought: Brought) -> ScoredImages:
    """What a metric is given."""
    return ScoredImages(
        samples=context.samples.images,
        labels=context.samples.labels if context.conditional else None,
        reference=context.real,
        test=context.test,
        rng=generator(torch.device("cpu"), context.seed, "metric", brought.name),
        device=context.device,
        judge=context.judge_logits if brought.needs_judge else None,
    )


def checked(target: type[ImageMetric], name: str, value: Any) -> float:
    """The value as a float. Raises `BenchError` if it is not a finite number in the range of the metric."""
    if isinstance(value, torch.Tensor) and value.numel() == 1:
        value = value.item()
    if not isinstance(value, Real) or isinstance(value, bool):
        raise BenchError(f"{name}: expected a number, got {type(value).__name__}")
    number = float(value)
    if not (math.isfinite(number) and target.low <= number <= target.high):
        raise BenchError(f"{name}: expected a finite number from {target.low:g} to {target.high:g}, got {number:g}")
    return number


def _digest(images: ScoredImages) -> str:
    labels = [] if images.labels is None else [images.labels]
    return tensor_digest([images.samples, *labels, images.reference.images, images.test.images])
