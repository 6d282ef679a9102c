"""Score a set of images against reference images: the metrics of a board that need no classifier and no labels."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import torch

from bench.api import Data, Dataset, Pixels, Spec
from bench.comparison.image_sets import ImageSet, Source, in_common_format, read_images
from bench.comparison.result import Evaluation, Score
from bench.data.label_subset import few_labels
from bench.errors import BenchError, nearest
from bench.experiment.device import find_device
from bench.metrics import METRICS, EvaluationContext, Metric
from bench.metrics.metric import NotMeasured
from bench.metrics.spaces import ON_REQUEST
from bench.metrics.table import space_metrics
from bench.training.no_classifier import NoClassifier
from bench.util.failure import explain

FEWEST = 2  # images of either set
SAMPLES = "the samples"
NEED_TEST = ("nearest-training-ratio", "copying-lite0")  # compare with unseen real images
Told = Callable[[str, int, int], None]  # the metric that is measured, how many are done, and of how many


def evaluate(
    samples: Source,
    reference: Source | None = None,
    *,
    dataset: str | None = None,
    metrics: Sequence[str] | None = None,
    n: int | None = None,
    size: int | None = None,
    device: str = "auto",
    progress: Told = lambda metric, done, of: None,
) -> Evaluation:
    """As `bench.evaluate`, which documents the arguments; `progress` is called before each metric."""
    if (reference is None) == (dataset is None):
        raise BenchError("expected either reference images or a data set")
    chosen = [_metric(name) for name in metrics] if metrics is not None else list(_all())
    mine = read_images(samples, SAMPLES, size)
    if dataset is not None:
        return _against_dataset(mine, dataset, chosen, n, size, device, progress)
    assert reference is not None
    theirs = read_images(reference, "the reference", size)
    pixels, real = in_common_format(mine, theirs)
    context = _context(_first(pixels, n), real, None, device)
    return _evaluation(context, None, (mine.name, theirs.name), chosen, progress)


def _against_dataset(
    mine: ImageSet, name: str, metrics: list[Metric], n: int | None, size: int | None, device: str, progress: Told
) -> Evaluation:
    """With the floor of each metric, if there are as many test images as samples."""
    loaded = _load(name, size)
    pixels, real = in_common_format(mine, ImageSet(name, loaded.train.images))
    chosen, test = _first(pixels, n), loaded.test.images.expand(-1, real.shape[1], -1, -1)
    enough = len(test) >= len(chosen)
    context = _context(chosen, real, test if enough else None, device)
    floor = _context(_first(test, len(chosen)), real, test, device) if enough else None
    return _evaluation(context, floor, (mine.name, f"training images of {name}"), metrics, progress)


def _load(name: str, size: int | None) -> Dataset:
    from bench.experiment.request import DatasetRef
    from bench.registry.plugins import Plugins

    ref = DatasetRef.parse(name)
    ref.require_path()
    return few_labels(Plugins().find("datasets", ref.base).target(ref.argument).load(size), ref.labels)


def _evaluation(
    context: EvaluationContext,
    floor: EvaluationContext | None,
    names: tuple[str, str],
    metrics: list[Metric],
    progress: Told,
) -> Evaluation:
    """What was compared, with the numbers of images, and the scores."""
    mine, theirs = (f"{name} ({n:,} images)" for name, n in zip(names, (context.n, context.reference), strict=True))
    return Evaluation(mine, theirs, tuple(_scores(context, floor, metrics, progress)))


def _scores(
    context: EvaluationContext, floor: EvaluationContext | None, metrics: list[Metric], progress: Told
) -> Iterator[Score]:
    for done, metric in enumerate(metrics):
        progress(metric.name, done, len(metrics))
        found = list(_measured(metric, context))
        real = {} if floor is None else {it.metric: it.value for it in _measured(metric, floor)}
        yield from (replace(score, floor=real.get(score.metric)) for score in found)
    progress("", len(metrics), len(metrics))


def _measured(metric: Metric, context: EvaluationContext) -> Iterator[Score]:
    protocol = metric.protocol(context.scale)
    if reason := _obstacle(metric, context):
        yield Score(metric.name, None, protocol, reason=reason)
        return
    try:
        found = metric.compute(context)
    except (BenchError, NotMeasured) as error:
        yield Score(metric.name, None, protocol, reason=explain(error))
        return
    yield Score(metric.name, found.value, protocol, found.n)
    yield from (Score(f"{metric.name}/{part}", value, protocol, found.n) for part, value in found.parts.items())


def _obstacle(metric: Metric, context: EvaluationContext) -> str:
    """Why a metric cannot be measured here, or ""."""
    if metric.name in NEED_TEST and len(context.dataset.test) < context.n:
        return "it needs as many unseen real images as samples"
    return metric.missing(None, classes=False) or metric.absent() or metric.too_few(context.scale)


def _all() -> Iterator[Metric]:
    """Those that need images alone."""
    return (metric for metric in METRICS if metric.needs == ("samples",) and metric.space != "judge")


def _metric(name: str) -> Metric:
    """Raises `BenchError` for an unknown name, and for a metric that needs more than images."""
    usable = {metric.name: metric for metric in _all()}
    if name in usable:
        return usable[name]
    family, _, space = name.partition("-")
    if family in ("fd", "kid") and (space.startswith("timm:") or space in ON_REQUEST):
        return space_metrics(space)[("fd", "kid").index(family)]
    if any(metric.name == name for metric in METRICS):
        raise BenchError(f"{name} needs more than images: choose among {', '.join(usable)}")
    named = [f"{family}-{space}" for space in ON_REQUEST for family in ("fd", "kid")]
    raise BenchError(f"unknown metric {name!r}: {nearest(name, [*usable, *named])}")


def _first(pixels: Pixels, n: int | None) -> Pixels:
    """n images, chosen at random with a fixed seed; all of them, in their order, without n."""
    if n is None or n == len(pixels):
        return pixels
    if not 0 < n <= len(pixels):
        raise BenchError(f"n: expected from 1 to {len(pixels)} images, got {n}")
    return pixels[torch.randperm(len(pixels), generator=torch.Generator().manual_seed(0))[:n]]


def _context(samples: Pixels, real: Pixels, test: Pixels | None, device: str) -> EvaluationContext:
    """All reference images are used. Without test images, metrics that need them have a reason."""
    for pixels, what in ((samples, SAMPLES), (real, "the reference")):
        if len(pixels) < FEWEST:
            raise BenchError(f"expected at least {FEWEST} images in {what}, got {len(pixels)}")
    spec = Spec("images", real.shape[1], real.shape[-1], ("images",))
    train, unseen = _data(spec, real), _data(spec, real[:0] if test is None else test)
    whole = Dataset(spec, train, unseen, unseen, _digest(real))
    missing = NoClassifier(spec, "images are compared without a judge")
    return EvaluationContext(
        model=None, dataset=whole, samples=_data(spec, samples), conditional=False, judge=missing, judge_digest="",
        guide=missing, device=torch.device(find_device(device, torch.get_num_threads()).kind), n=len(samples),
        reference=len(real), seed=0,
    )  # fmt: skip


def _data(spec: Spec, pixels: Pixels) -> Data:
    return Data(spec, pixels, torch.zeros(len(pixels), dtype=torch.int64))


def _digest(pixels: Pixels) -> str:
    return hashlib.sha256(pixels.contiguous().numpy().tobytes()).hexdigest()
