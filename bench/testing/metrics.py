"""The promises of every metric that a third party brings."""

from dataclasses import replace

import torch

from bench.errors import BenchError
from bench.testing.another_process import require_same_elsewhere
from bench.testing.data import tiny_spec
from bench.testing.metric_subject import FORMATS, MetricSubject, other_labels, renamed
from bench.testing.promise import collect, describe, promise, require
from bench.testing.watch import without_side_effects
from bench.training_run import generator
from bench.util.hashing import tensor_digest

ORDER = 0.01  # of the separation: sums in another order, and random subsets of other images
CHANCE = 0.1  # of the separation
SOME = ((3, 32), (1, 28))  # formats that most data sets have


@promise(
    "X01",
    why="a column needs a name that readers understand, and bounds that tell mistakes from values",
    remedy="give the class `source`, `about`, `better`, `version`, and bounds with `low` below `high`",
)
def says_what_it_is(subject: MetricSubject) -> None:
    """The class has a source, one line `about` it, a better side or None, and `low` below `high`; no arguments build it."""
    target = subject.target
    for name in ("source", "about"):
        text = getattr(target, name, None)
        require(isinstance(text, str) and bool(text.strip()), f"{name}: expected text, got {text!r}")
    require("\n" not in target.about, "about: expected one line, got several")
    require(
        target.better in ("lower", "higher", None), f"better: expected lower, higher or None, got {target.better!r}"
    )
    require(target.low < target.high, f"low, high: expected low below high, got {target.low:g} and {target.high:g}")
    target()


@promise(
    "X02",
    why="what is not a number in its range is a failure on the board",
    remedy="return a finite float, and set `low` and `high` to the bounds that the formula has",
)
def values_are_numbers_in_range(subject: MetricSubject) -> None:
    """Real images, noise and one image over and over have finite values from `low` to `high`."""
    for images in (subject.real, subject.noise, subject.constant):
        try:
            subject.measure(images)
        except BenchError as error:
            require(False, str(error))


@promise(
    "X03",
    why="a metric that cannot tell real images from worthless ones says nothing about a method",
    remedy="set `better` to the side on which real images lie, or to None if neither side is better",
)
def extremes_are_told_apart(subject: MetricSubject) -> None:
    """Held-out real images have a better value than noise, or than one image over and over; without a better side, another."""
    real, noise, constant = (subject.measure(it) for it in (subject.real, subject.noise, subject.constant))
    wanted = f"a {subject.target.better or 'different'} value"
    require(
        any(subject.is_better(real, other) for other in (noise, constant)),
        f"expected {wanted} for real images ({real:.4g}) than for noise ({noise:.4g}) or one image ({constant:.4g})",
    )


@promise(
    "X04",
    why="samples and training images come in any order",
    remedy="reduce over images with sums, means or sorted values",
)
def order_does_not_matter(subject: MetricSubject) -> None:
    """Samples with their labels, and real images, in another order have the same value, up to 1 % of what separates noise from real images."""
    images = subject.real
    order = torch.randperm(len(images.samples), generator=generator("cpu", "order"))
    labels = None if images.labels is None else images.labels[order]
    subject.require_close(
        replace(images, samples=images.samples[order], labels=labels), "samples in another order", ORDER
    )
    shuffled = torch.randperm(len(images.reference), generator=generator("cpu", "order"))
    test = images.test[torch.arange(len(images.test)).flip(0)]
    subject.require_close(
        replace(images, reference=images.reference[shuffled], test=test), "real images in another order", ORDER
    )


@promise(
    "X05",
    why="a measurement that is repeated must give the same value",
    remedy="draw from `images.rng` only, and use operations that are deterministic",
)
def same_images_give_the_same_value(subject: MetricSubject) -> None:
    """Two measurements of the same images with the same `rng` give the same value, to the last bit."""
    first, second = (subject.measure(subject.real) for _ in range(2))
    require(first == second, f"two measurements: expected {first!r} again, got {second!r}")


@promise(
    "X06",
    why="a row must be reproducible on another day",
    remedy="do not use the order of sets, `hash`, the time, or the number of the process",
)
def another_process_gives_the_same_value(subject: MetricSubject) -> None:
    """Another process gives the same values, to the last bit."""
    require_same_elsewhere(subject)


@promise(
    "X07",
    why="a value that depends on chance compares seeds, not methods",
    remedy="average over more draws from `images.rng`",
)
def chance_matters_little(subject: MetricSubject) -> None:
    """Another `rng` changes the value by at most 10 % of what separates noise from real images."""
    subject.require_close(subject.real, "another rng", CHANCE, seed=2)


@promise(
    "X08",
    why="a metric must treat all data sets alike",
    remedy="use the images, the labels and the shapes in `spec`, not its name",
)
def names_do_not_matter(subject: MetricSubject) -> None:
    """The same images of a data set with another name have the same value."""
    value, other = subject.measure(subject.real), subject.measure(renamed(subject.real, "another-name"))
    require(value == other, f"another name of the data set: expected {value!r}, got {other!r}")


@promise(
    "X09",
    why="the value of samples that were drawn for classes must depend on the classes",
    remedy="compare samples with the images or the answers of their own class, or set `needs_labels = False`",
)
def labels_are_used(subject: MetricSubject) -> None:
    """With `needs_labels`, samples with wrong labels have another value; a worse one if there is a better side."""
    if not subject.target.needs_labels:
        return
    right, wrong = subject.real, replace(subject.real, labels=other_labels(subject.real))
    first, second = subject.measure(right), subject.measure(wrong)
    wanted = "a worse value than" if subject.target.better else "a value other than"
    require(subject.is_better(first, second), f"wrong labels: expected {wanted} {first:.6g}, got {second:.6g}")


@promise(
    "X10",
    why="all metrics measure the same images",
    remedy="work on a copy: `images.samples.clone()`",
)
def images_are_left_unchanged(subject: MetricSubject) -> None:
    """The samples, their labels and the real images are not modified."""
    images = subject.real
    parts = [images.samples, images.reference.images, images.reference.labels, images.test.images]
    before = tensor_digest(parts)
    subject.measure(images)
    require(tensor_digest(parts) == before, "measure changed its images or labels in place")


@promise(
    "X11",
    why="one measurement must not change the next",
    remedy="draw from `images.rng` only, write no files, and put back every setting",
)
def measuring_leaves_the_process_unchanged(subject: MetricSubject) -> None:
    """Measuring changes no global random state, no process setting, no file, and leaves no thread and no process running."""
    images = subject.real
    with without_side_effects("measure"):
        subject.measure(images)


@promise(
    "X12",
    why="boards are of grayscale and colour images, of many sizes, with and without classes",
    remedy="take the number of channels and the size from `spec`, or return a reason from `not_for(spec)`",
)
def other_formats_work_or_are_refused(subject: MetricSubject) -> None:
    """`measure` works for grayscale and for colour images, and without classes, unless `not_for` or `needs_...` excludes them."""
    plain = not (subject.target.needs_labels or subject.target.needs_judge)
    for channels, size in SOME:
        for classes in (True, False) if plain else (True,):
            if not subject.target.not_for(tiny_spec(channels, size)):
                _try(subject, channels, size, classes)


@promise(
    "X13",
    why="a metric that is for no images has no value on any board",
    remedy="return from `not_for(spec)` a reason for the formats that cannot be measured, and '' for others",
)
def limits_leave_images_to_measure(subject: MetricSubject) -> None:
    """`not_for` gives a reason or '', and '' for images of some number of channels and some size."""
    reasons = [subject.target.not_for(tiny_spec(*format)) for format in FORMATS]
    require(all(isinstance(reason, str) for reason in reasons), f"not_for: expected text, got {reasons[0]!r}")
    require(not all(reasons), f"not_for: expected '' for some images, got {reasons[0]!r} for all formats")


@promise(
    "X14",
    why="small data sets and the budget `smoke` have few images",
    remedy="raise `BenchError` with the number of images that the metric needs",
)
def few_images_give_a_number_or_a_sentence(subject: MetricSubject) -> None:
    """Two samples have a finite value, or `measure` raises a `BenchError` that says how many are needed."""
    images = subject.scored(*subject.format, n=2)
    try:
        subject.measure(images)
    except BenchError as error:
        require("expected a finite number" not in str(error), f"two samples: {error}")
    except Exception as error:
        require(False, f"two samples: {describe(error)}")


def _try(subject: MetricSubject, channels: int, size: int, classes: bool) -> None:
    what = f"{size} pixels, {channels} channel{'s' * (channels > 1)}, {'with' if classes else 'without'} classes"
    try:
        subject.measure(subject.scored(channels, size, classes=classes))
    except Exception as error:
        require(False, f"{what}: {describe(error)}")


PROMISES = collect(globals())
