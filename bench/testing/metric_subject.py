"""What the checks of metrics look at: a metric, and sets of tiny images to measure."""

from dataclasses import replace
from functools import cached_property

import torch

from bench.api import Classifier, Data, Labels, Logits, Pixels, Spec, to_float
from bench.image_metric import ImageMetric, ScoredImages
from bench.metrics.brought import checked
from bench.metrics.catalog import direction
from bench.testing.data import tiny_dataset, tiny_spec, without_classes
from bench.testing.guide import tiny_guide
from bench.testing.promise import Skipped, require
from bench.training_run import generator

N = 96  # samples, and held-out images
FORMATS = ((3, 32), (1, 28), (1, 32), (3, 28), (3, 64), (1, 64), (3, 16), (1, 16))  # channels, pixels


class MetricSubject:
    """A class of metrics."""

    def __init__(self, target: type[ImageMetric]) -> None:
        self.target = target
        self.options: dict[str, str] = {}

    @cached_property
    def format(self) -> tuple[int, int]:
        """The first format that the metric is for. Raises `Skipped` if there is none."""
        found = next((format for format in FORMATS if not self.target.not_for(tiny_spec(*format))), None)
        if found is None:
            raise Skipped(f"it is for no images of these tests: {self.target.not_for(tiny_spec(*FORMATS[0]))}")
        return found

    @cached_property
    def real(self) -> ScoredImages:
        """Held-out real images in the place of samples, 96 of them."""
        return self.scored(*self.format)

    @cached_property
    def noise(self) -> ScoredImages:
        """Random pixels in the place of samples."""
        shape = self.real.samples.shape
        pixels = torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator("cpu", "noise"))
        return replace(self.real, samples=pixels)

    @cached_property
    def constant(self) -> ScoredImages:
        """The mean training image over and over in the place of samples."""
        mean = self.real.reference.images.float().mean(0).round().to(torch.uint8)
        return replace(self.real, samples=mean.expand(self.real.samples.shape).clone())

    def scored(self, channels: int, size: int, *, classes: bool = True, n: int = N) -> ScoredImages:
        """n held-out images of tiny data as samples, another n as test images, and 97 training images as reference."""
        dataset = tiny_dataset(channels, size, held_out=n)
        data = dataset if classes else without_classes(dataset)
        judge = self._judge(data.train) if classes and self.target.needs_judge else None
        samples = data.validation
        return ScoredImages(
            samples.images, samples.labels if classes else None, data.train, data.test, generator("cpu", "metric"),
            torch.device("cpu"), judge,
        )  # fmt: skip

    def measure(self, images: ScoredImages, seed: int = 1) -> float:
        """The value of a new instance, with a generator in the same state each time."""
        images = replace(images, rng=generator("cpu", "metric", seed))
        return checked(self.target, self.target.__name__, self.target().measure(images))

    @property
    def separation(self) -> float:
        """How far the values of noise and of one image over and over are from that of real images, the larger of the two.

        Changes that must not matter are compared with it.
        """
        real = self.measure(self.real)
        return max(abs(self.measure(other) - real) for other in (self.noise, self.constant))

    def is_better(self, value: float, other: float) -> bool:
        """Whether a value is better than another one; without a better side, whether they differ."""
        sign = direction(self.target.better)
        return sign * value < sign * other if sign else value != other

    def require_close(self, images: ScoredImages, what: str, share: float, seed: int = 1) -> None:
        """Require the value of the real images up to a share of the separation."""
        before, after, most = self.measure(self.real), self.measure(images, seed), share * self.separation
        require(abs(after - before) <= most, f"{what}: expected {before:.6g} up to {most:.2g}, got {after:.6g}")

    def digests(self) -> dict[str, str]:
        """The values, exactly."""
        sets = {"real images": self.real, "noise": self.noise, "one image over and over": self.constant}
        return {f"the value of {name}": repr(self.measure(images)) for name, images in sets.items()}

    @staticmethod
    def _judge(data: Data) -> "Judge":
        return Judge(tiny_guide(tiny_dataset(data.spec.channels, data.spec.size)))


class Judge:
    """The logits (n, k) of a tiny classifier."""

    def __init__(self, classifier: Classifier) -> None:
        self._classifier = classifier

    @torch.inference_mode()
    def __call__(self, pixels: Pixels) -> Logits:
        return self._classifier.logits(to_float(pixels)).clone()


def renamed(images: ScoredImages, name: str) -> ScoredImages:
    """The same images of a data set with another name."""
    spec: Spec = replace(images.spec, name=name)
    reference, test = (replace(data, spec=spec) for data in (images.reference, images.test))
    return replace(images, reference=reference, test=test)


def other_labels(images: ScoredImages) -> Labels:
    """Each label replaced by the next class."""
    assert images.labels is not None
    return (images.labels + 1) % len(images.spec.classes)
