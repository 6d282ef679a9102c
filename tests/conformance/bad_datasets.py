"""Data sets that keep every promise but one."""

import random
from dataclasses import replace
from pathlib import Path

import torch
from bad import bad_ones, breaks
from toys import ToyData, change, digest

from bench import Dataset, DataState, Spec


@breaks("state_is_told_without_loading", "is 'missing' without a note")
class DoesNotSayWhere(ToyData):
    def state(self) -> DataState:
        return DataState("missing")


@breaks("state_is_told_without_loading", "gave 'perhaps'")
class IsNotSure(ToyData):
    def state(self) -> DataState:
        return DataState("perhaps")  # type: ignore[arg-type]


@breaks("state_is_told_without_loading", "state() changed python's global random state")
class LooksAtRandom(ToyData):
    def state(self) -> DataState:
        random.random()
        return DataState("ready")


@breaks("files_it_reads_are_there", "nowhere.npz: no such file")
class ReadsFromNowhere(ToyData):
    def reads(self) -> tuple[Path, ...]:
        return (Path("/nowhere.npz"),)


@breaks("splits_agree_with_the_spec", "wanted torch.uint8")
class GivesFloats(ToyData):
    def load(self, size: int | None = None) -> Dataset:
        dataset = super().load(size)
        return change(dataset, "train", images=dataset.train.images.float() / 255)


@breaks("splits_agree_with_the_spec", "train.images have shape (97, 3, 32, 32), wanted (97, 3, 28, 28)")
class MisstatesItsSize(ToyData):
    def load(self, size: int | None = None) -> Dataset:
        dataset = super().load(size)
        spec = replace(dataset.spec, size=28)
        splits = {name: replace(getattr(dataset, name), spec=spec) for name in ("train", "validation", "test")}
        return replace(dataset, spec=spec, **splits)


@breaks("splits_agree_with_the_spec", "the spec of test is not that of the data set")
class HasTwoSpecs(ToyData):
    def load(self, size: int | None = None) -> Dataset:
        dataset = super().load(size)
        return change(dataset, "test", spec=replace(dataset.spec, name="another"))


@breaks("splits_agree_with_the_spec", "validation is empty")
class HasNoValidation(ToyData):
    def load(self, size: int | None = None) -> Dataset:
        dataset = super().load(size)
        return replace(dataset, validation=dataset.validation[:0])


@breaks("splits_agree_with_the_spec", "train.labels are torch.int32, wanted torch.int64")
class SavesOnLabels(ToyData):
    def load(self, size: int | None = None) -> Dataset:
        dataset = super().load(size)
        return change(dataset, "train", labels=dataset.train.labels.int())


@breaks("labels_name_a_class", "test.labels lie in 1..3, there are 3")
class CountsFromOne(ToyData):
    def load(self, size: int | None = None) -> Dataset:
        dataset = super().load(size)
        return change(dataset, "test", labels=dataset.test.labels + 1)


@breaks("labels_name_a_class", "stripes: not in the training split")
class TrainsWithoutAClass(ToyData):
    def load(self, size: int | None = None) -> Dataset:
        dataset = super().load(size)
        return replace(dataset, train=dataset.train[dataset.train.labels < 2])


@breaks("labels_name_a_class", "two classes have the same name")
class RepeatsAName(ToyData):
    def load(self, size: int | None = None) -> Dataset:
        dataset = super().load(size)
        return replace(dataset, spec=replace(dataset.spec, classes=("a", "b", "a")))


@breaks("factors_agree_with_the_spec", "only one of them is there")
class LosesItsFactors(ToyData):
    def load(self, size: int | None = None) -> Dataset:
        return change(super().load(size), "test", factors=None)


@breaks("factors_agree_with_the_spec", "test: x lies in")
class LeavesTheRange(ToyData):
    def load(self, size: int | None = None) -> Dataset:
        dataset = super().load(size)
        assert dataset.test.factors is not None
        return change(dataset, "test", factors=dataset.test.factors + torch.tensor([0.0, 1.0]))


@breaks("factors_agree_with_the_spec", "train: shape takes 3 values, the spec says 2")
class CountsValuesWrong(ToyData):
    def load(self, size: int | None = None) -> Dataset:
        dataset = super().load(size)
        shape, x = dataset.spec.factors
        spec = replace(dataset.spec, factors=(replace(shape, count=2), x))
        return replace(dataset, spec=spec)


@breaks("images_differ", "all the same")
class RepeatsOneImage(ToyData):
    def load(self, size: int | None = None) -> Dataset:
        dataset = super().load(size)
        return change(dataset, "train", images=torch.zeros_like(dataset.train.images))


@breaks("splits_share_no_images", "32 of 32 images of test are training images too")
class TestsOnWhatItTrained(ToyData):
    def load(self, size: int | None = None) -> Dataset:
        dataset = super().load(size)
        return replace(dataset, test=dataset.train[:32])


@breaks("loading_is_repeatable", "the digest is")
class HasANewDigestEachTime(ToyData):
    def load(self, size: int | None = None) -> Dataset:
        return replace(super().load(size), digest=digest(str(random.SystemRandom().random())))


@breaks("loading_is_repeatable", "train.images are others on the second load")
class ShufflesUnderOneDigest(ToyData):
    def load(self, size: int | None = None) -> Dataset:
        dataset = super().load(size)
        return change(dataset, "train", images=dataset.train.images[torch.randperm(97)])


@breaks("loading_is_repeatable", "loading changed python's global random state")
class SeedsPython(ToyData):
    def load(self, size: int | None = None) -> Dataset:
        random.seed(0)
        return super().load(size)


@breaks("images_are_loaded_at_the_size_asked_for", "load(28) gave a spec of size 32")
class IgnoresTheSize(ToyData):
    def load(self, size: int | None = None) -> Dataset:
        return super().load(None)


@breaks("images_are_loaded_at_the_size_asked_for", "has the digest of the native size")
class KeepsItsDigest(ToyData):
    def load(self, size: int | None = None) -> Dataset:
        return replace(super().load(size), digest=digest("native"))


@breaks("images_are_loaded_at_the_size_asked_for", "load(28) gave images of shape (3, 32, 32), wanted (3, 28, 28)")
class ResizesItsSpecOnly(ToyData):
    def load(self, size: int | None = None) -> Dataset:
        dataset = super().load(None)
        spec: Spec = replace(dataset.spec, size=size or dataset.spec.size)
        return replace(dataset, spec=spec, digest=digest(str(size)))


BAD = bad_ones(globals())
