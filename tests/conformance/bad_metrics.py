"""Metrics that keep every promise but one."""

import random

import torch
from bad import bad_ones, breaks
from torch import Tensor

from bench import BenchError, ImageMetric, Pixels, ScoredImages, Spec

RANGE = "values_are_numbers_in_range"


def moments(pixels: Pixels) -> Tensor:
    """The mean and the deviation of every pixel over images, float64."""
    rows = pixels.double().flatten(1) / 255
    return torch.stack([rows.mean(0), rows.std(0, correction=0)])


class Moments(ImageMetric):
    """A good one: how far the moments of every pixel are from those of training images."""

    source = "none, a toy"
    about = "distance of the mean and the deviation of every pixel"
    better = "lower"
    low = 0.0

    def measure(self, images: ScoredImages) -> float:
        return float((moments(images.samples) - moments(images.reference.images)).square().mean())


class OfItsClass(Moments):
    """A good one that needs labels: the same within each class."""

    needs_labels = True

    def measure(self, images: ScoredImages) -> float:
        assert images.labels is not None
        own = [images.samples[images.labels == k] for k in range(len(images.spec.classes))]
        real = [images.reference.images[images.reference.labels == k] for k in range(len(images.spec.classes))]
        pairs = [(moments(one), moments(other)) for one, other in zip(own, real, strict=True) if len(one)]
        return float(torch.stack([(one - other).square().mean() for one, other in pairs]).mean())


class Judged(Moments):
    """A good one that asks the judge: how sure it is, by its mean highest logit, against real images."""

    needs_judge = True

    def measure(self, images: ScoredImages) -> float:
        assert images.judge is not None
        samples, real = (images.judge(pixels).double().std(0) for pixels in (images.samples, images.test.images))
        return float((samples - real).abs().mean())


GOOD = [Moments, OfItsClass, Judged]


@breaks("says_what_it_is", "about: expected one line, got several")
class TalksALot(Moments):
    about = "one line\nand another"


@breaks("says_what_it_is", "expected low below high")
class HasNoRange(Moments):
    low, high = 1.0, 0.0


@breaks(RANGE, "expected a finite number from 0 to inf, got nan")
class DividesByZero(Moments):
    def measure(self, images: ScoredImages) -> float:
        return super().measure(images) * float("nan")


@breaks(RANGE, "expected a finite number from 0 to inf, got -")
class IsNegative(Moments):
    def measure(self, images: ScoredImages) -> float:
        return -1 - super().measure(images)


@breaks(RANGE, "expected a number, got str")
class ReturnsText(Moments):
    def measure(self, images: ScoredImages) -> float:
        return "good"  # type: ignore[return-value]


@breaks("extremes_are_told_apart", "expected a higher value for real images")
class LikesNoise(Moments):
    better = "higher"


@breaks("extremes_are_told_apart", "expected a different value for real images (1) than for noise (1)")
class SaysOne(Moments):
    better = None

    def measure(self, images: ScoredImages) -> float:
        return 1.0


@breaks("order_does_not_matter", "samples in another order: expected")
class LooksAtTheFirst(Moments):
    def measure(self, images: ScoredImages) -> float:
        return float((moments(images.samples[:9]) - moments(images.reference.images)).square().mean())


@breaks("order_does_not_matter", "real images in another order: expected")
class ComparesWithTheFirst(Moments):
    def measure(self, images: ScoredImages) -> float:
        return float((moments(images.samples) - moments(images.reference.images[:9])).square().mean())


@breaks("same_images_give_the_same_value", "two measurements: expected")
class ThrowsDice(Moments):
    def measure(self, images: ScoredImages) -> float:
        return super().measure(images) + 1e-9 * random.SystemRandom().random()


@breaks("another_process_gives_the_same_value", "in another process: the value of")
class Hashes(Moments):
    def measure(self, images: ScoredImages) -> float:
        return super().measure(images) + abs(hash("metric")) * 1e-30


@breaks("chance_matters_little", "another rng: expected")
class DrawsTwoImages(Moments):
    def measure(self, images: ScoredImages) -> float:
        own = torch.randint(len(images.samples), (2,), generator=images.rng)
        return float((moments(images.samples[own]) - moments(images.reference.images)).square().mean())


@breaks("names_do_not_matter", "another name of the data set: expected")
class KnowsNames(Moments):
    def measure(self, images: ScoredImages) -> float:
        return super().measure(images) * (0.5 if images.spec.name.startswith("tiny") else 1.0)


@breaks("labels_are_used", "wrong labels: expected a worse value")
class AsksForNothing(Moments):
    needs_labels = True


@breaks("images_are_left_unchanged", "measure changed its images or labels in place")
class Normalises(Moments):
    def measure(self, images: ScoredImages) -> float:
        value = super().measure(images)
        images.samples.div_(2, rounding_mode="floor")
        return value


@breaks("measuring_leaves_the_process_unchanged", "measure changed torch's global random state")
class DrawsFromTheGlobalRng(Moments):
    def measure(self, images: ScoredImages) -> float:
        return super().measure(images) + 0 * float(torch.rand(()))


@breaks("other_formats_work_or_are_refused", "1 channel, with classes: RuntimeError")
class WantsColour(Moments):
    def measure(self, images: ScoredImages) -> float:
        if images.spec.channels == 1:
            raise RuntimeError("wants colour")
        return super().measure(images)


@breaks("other_formats_work_or_are_refused", "without classes: TypeError")
class CountsLabels(Moments):
    def measure(self, images: ScoredImages) -> float:
        return super().measure(images) + 0 * len(images.labels)  # type: ignore[arg-type]


@breaks("limits_leave_images_to_measure", "expected '' for some images, got 'not today' for all formats")
class IsForNothing(Moments):
    @classmethod
    def not_for(cls, spec: Spec) -> str:
        return "not today"


@breaks("few_images_give_a_number_or_a_sentence", "two samples: IndexError")
class WantsTen(Moments):
    def measure(self, images: ScoredImages) -> float:
        images.samples[9]
        return super().measure(images)


class SaysHowMany(Moments):
    """A good one, which needs ten images and says so."""

    def measure(self, images: ScoredImages) -> float:
        if len(images.samples) < 10:
            raise BenchError(f"expected at least 10 samples, got {len(images.samples)}")
        return super().measure(images)


GOOD.append(SaysHowMany)
BAD = bad_ones(globals())
