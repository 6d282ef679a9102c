"""Data sets that keep every promise but one."""

import random
from dataclasses import replace
from pathlib import Path

import torch
from bad import bad_ones, breaks
from toys import DrawnData, ToyData, change, digest

from bench import Codes, Dataset, DataState, Pixels, Spec


@breaks("state_needs_no_loading", "expected a note with 'missing'")
class DoesNotSayWhere(ToyData):
    def state(self) -> DataState:
        return DataState("missing")


@breaks("state_needs_no_loading", "got 'perhaps'")
class IsNotSure(ToyData):
    def state(self) -> DataState:
        return DataState("perhaps")  # type: ignore[arg-type]


@breaks("state_needs_no_loading", "state() changed python's global random state")
class LooksAtRandom(ToyData):
    def state(self) -> DataState:
        random.random()
        return DataState("ready")


@breaks("files_it_reads_exist", "nowhere.npz: no such file")
class ReadsFromNowhere(ToyData):
    def reads(self) -> tuple[Path, ...]:
        return (Path("/nowhere.npz"),)


@breaks("splits_agree_with_the_spec", "train.images: expected torch.uint8, got torch.float32")
class GivesFloats(ToyData):
    def load(self, size: int | None = None) -> Dataset:
        dataset = super().load(size)
        return change(dataset, "train", images=dataset.train.images.float() / 255)


@breaks("splits_agree_with_the_spec", "train.images: expected shape (97, 3, 28, 28), got (97, 3, 32, 32)")
class MisstatesItsSize(ToyData):
    def load(self, size: int | None = None) -> Dataset:
        dataset = super().load(size)
        spec = replace(dataset.spec, size=28)
        splits = {name: replace(getattr(dataset, name), spec=spec) for name in ("train", "validation", "test")}
        return replace(dataset, spec=spec, **splits)


@breaks("splits_agree_with_the_spec", "test.spec: expected the spec of the data set")
class HasTwoSpecs(ToyData):
    def load(self, size: int | None = None) -> Dataset:
        dataset = super().load(size)
        return change(dataset, "test", spec=replace(dataset.spec, name="another"))


@breaks("splits_agree_with_the_spec", "validation is empty")
class HasNoValidation(ToyData):
    def load(self, size: int | None = None) -> Dataset:
        dataset = super().load(size)
        return replace(dataset, validation=dataset.validation[:0])


@breaks("splits_agree_with_the_spec", "train.labels: expected torch.int64, got torch.int32")
class SavesOnLabels(ToyData):
    def load(self, size: int | None = None) -> Dataset:
        dataset = super().load(size)
        return change(dataset, "train", labels=dataset.train.labels.int())


@breaks("labels_name_a_class", "test.labels: expected labels in 0..2, got 1..3")
class CountsFromOne(ToyData):
    def load(self, size: int | None = None) -> Dataset:
        dataset = super().load(size)
        return change(dataset, "test", labels=dataset.test.labels + 1)


@breaks("labels_name_a_class", "expected every class, got none of stripes")
class TrainsWithoutAClass(ToyData):
    def load(self, size: int | None = None) -> Dataset:
        dataset = super().load(size)
        return replace(dataset, train=dataset.train[dataset.train.labels < 2])


@breaks("labels_name_a_class", "expected distinct names, got a duplicate")
class RepeatsAName(ToyData):
    def load(self, size: int | None = None) -> Dataset:
        dataset = super().load(size)
        return replace(dataset, spec=replace(dataset.spec, classes=("a", "b", "a")))


@breaks("factors_agree_with_the_spec", "expected both or none, got one")
class LosesItsFactors(ToyData):
    def load(self, size: int | None = None) -> Dataset:
        return change(super().load(size), "test", factors=None)


@breaks("factors_agree_with_the_spec", "test: expected x in 0.3..0.7, got")
class LeavesTheRange(ToyData):
    def load(self, size: int | None = None) -> Dataset:
        dataset = super().load(size)
        assert dataset.test.factors is not None
        return change(dataset, "test", factors=dataset.test.factors + torch.tensor([0.0, 1.0]))


@breaks("factors_agree_with_the_spec", "train: expected at most 2 values of shape, got 3")
class CountsValuesWrong(ToyData):
    def load(self, size: int | None = None) -> Dataset:
        dataset = super().load(size)
        shape, x = dataset.spec.factors
        spec = replace(dataset.spec, factors=(replace(shape, count=2), x))
        return replace(dataset, spec=spec)


@breaks("images_differ", "expected different images")
class RepeatsOneImage(ToyData):
    def load(self, size: int | None = None) -> Dataset:
        dataset = super().load(size)
        return change(dataset, "train", images=torch.zeros_like(dataset.train.images))


@breaks("splits_share_no_images", "test: expected at most 1 % training images, got 32 of 32")
class TestsOnWhatItTrained(ToyData):
    def load(self, size: int | None = None) -> Dataset:
        dataset = super().load(size)
        return replace(dataset, test=dataset.train[:32])


@breaks("another_process_loads_the_same_images", "in another process: the digest differs")
class IsNamedByAHash(ToyData):
    def load(self, size: int | None = None) -> Dataset:
        return replace(super().load(size), digest=digest(str(hash("toy"))))


@breaks("loading_is_repeatable", "expected digest")
class HasANewDigestEachTime(ToyData):
    def load(self, size: int | None = None) -> Dataset:
        return replace(super().load(size), digest=digest(str(random.SystemRandom().random())))


@breaks("loading_is_repeatable", "train.images differ between two loads")
class ShufflesUnderOneDigest(ToyData):
    def load(self, size: int | None = None) -> Dataset:
        dataset = super().load(size)
        return change(dataset, "train", images=dataset.train.images[torch.randperm(97)])


@breaks("loading_is_repeatable", "loading changed python's global random state")
class SeedsPython(ToyData):
    def load(self, size: int | None = None) -> Dataset:
        random.seed(0)
        return super().load(size)


@breaks("images_are_loaded_at_the_requested_size", "load(28): expected a spec of size 28, got 32")
class IgnoresTheSize(ToyData):
    def load(self, size: int | None = None) -> Dataset:
        return super().load(None)


@breaks("images_are_loaded_at_the_requested_size", "expected another digest than that of the native size")
class KeepsItsDigest(ToyData):
    def load(self, size: int | None = None) -> Dataset:
        return replace(super().load(size), digest=digest("native"))


@breaks("images_are_loaded_at_the_requested_size", "load(28): expected images of shape (3, 28, 28), got (3, 32, 32)")
class ResizesItsSpecOnly(ToyData):
    def load(self, size: int | None = None) -> Dataset:
        dataset = super().load(None)
        spec: Spec = replace(dataset.spec, size=size or dataset.spec.size)
        return replace(dataset, spec=spec, digest=digest(str(size)))


@breaks("drawn_factors_are_those_of_the_spec", "two calls with the same rng differ")
class IgnoresTheRng(DrawnData):
    def draw_factors(self, n: int, rng: torch.Generator) -> Codes:
        fresh = torch.Generator().manual_seed(random.SystemRandom().randrange(2**32))
        return super().draw_factors(n, fresh)


@breaks("drawn_factors_are_those_of_the_spec", "expected x in 0.0..1.0, got")
class DrawsOutOfRange(DrawnData):
    def draw_factors(self, n: int, rng: torch.Generator) -> Codes:
        return super().draw_factors(n, rng) + torch.tensor([0.0, float(n == 100)])


@breaks("stored_factors_draw_the_stored_images", "up to 1 of 255 levels, got a difference of 2")
class DrawsBrighter(DrawnData):
    def load(self, size: int | None = None) -> Dataset:
        dataset = super().load(size)
        darker = (dataset.test.images.int() - 2).clamp(min=0).to(torch.uint8)
        return change(dataset, "test", images=darker)


@breaks("a_drawn_image_alone_is_as_in_a_batch", "an image differs when it is drawn alone")
class NormalizesTheBatch(DrawnData):
    def render(self, factors: Codes, size: int) -> Pixels:
        images = super().render(factors, size).float()
        return (images * 255 / images.max()).to(torch.uint8)


BAD = bad_ones(globals())
