"""What every data set promises, where its files are on this machine."""

import hashlib

import torch

from bench.api import Data, Dataset, DataState, Factor
from bench.errors import BenchError
from bench.testing.promise import Skipped, collect, promise, require
from bench.testing.subject import DataSubject
from bench.testing.watch import watching

SPLITS = ("train", "validation", "test")
SHARED = 0.01  # of the test images may be training images too: collections have duplicates


@promise()
def state_is_told_without_loading(subject: DataSubject) -> None:
    """`state()` tells whether the data are ready, need a download or are missing, and then what to do about it."""
    with watching() as watched:
        state = subject.source.state()
    require(isinstance(state, DataState), f"state() gave {type(state).__name__}, wanted DataState")
    known = state.state in ("ready", "download", "missing")
    require(known, f"state() gave {state.state!r}, wanted ready, download or missing")
    require(state.state == "ready" or bool(state.note), f"state() is {state.state!r} without a note")
    changed = watched.settings + watched.files + watched.alive
    require(not changed, f"state() changed {', '.join(changed)}")


@promise()
def files_it_reads_are_there(subject: DataSubject) -> None:
    """`reads()` names files that exist where the state is ready, or is None where it cannot tell."""
    if subject.source.state().state != "ready":
        raise Skipped("its data are not on this machine")
    absent = [str(path) for path in subject.source.reads() or () if not path.exists()]
    require(not absent, f"reads() names {', '.join(absent[:3])}: no such file")


@promise()
def splits_agree_with_the_spec(subject: DataSubject) -> None:
    """Each split has images, uint8 of shape (n, c, size, size), labels, int64 (n,), and the spec of the data set."""
    spec = subject.dataset.spec
    for name, split in _splits(subject.dataset):
        n = len(split)
        require(n > 0, f"{name} is empty")
        require(split.spec == spec, f"the spec of {name} is not that of the data set")
        shape = tuple(split.images.shape)
        require(shape == (n, *spec.shape), f"{name}.images have shape {shape}, wanted {(n, *spec.shape)}")
        require(split.images.dtype == torch.uint8, f"{name}.images are {split.images.dtype}, wanted torch.uint8")
        require(tuple(split.labels.shape) == (n,), f"{name}.labels have shape {tuple(split.labels.shape)}")
        require(split.labels.dtype == torch.int64, f"{name}.labels are {split.labels.dtype}, wanted torch.int64")


@promise()
def labels_name_a_class(subject: DataSubject) -> None:
    """Labels are indices of `spec.classes`, which are distinct, and each class is in the training split."""
    classes = subject.dataset.spec.classes
    require(len(set(classes)) == len(classes), "two classes have the same name")
    for name, split in _splits(subject.dataset):
        low, high = (int(bound) for bound in split.labels.aminmax())
        require(low >= 0 and high < len(classes), f"{name}.labels lie in {low}..{high}, there are {len(classes)}")
    absent = set(range(len(classes))) - set(subject.dataset.train.labels.unique().tolist())
    require(not absent, f"{', '.join(classes[k] for k in sorted(absent))}: not in the training split")


@promise()
def factors_agree_with_the_spec(subject: DataSubject) -> None:
    """Factors are float32 (n, f) in their ranges, one column for each factor of the spec, or None without any."""
    factors = subject.dataset.spec.factors
    for name, split in _splits(subject.dataset):
        if split.factors is None or not factors:
            require(
                split.factors is None and not factors, f"{name}.factors and spec.factors: only one of them is there"
            )
            continue
        shape = tuple(split.factors.shape)
        require(shape == (len(split), len(factors)), f"{name}.factors have shape {shape}, the spec has {len(factors)}")
        require(split.factors.dtype == torch.float32, f"{name}.factors are {split.factors.dtype}, wanted torch.float32")
        for factor, column in zip(factors, split.factors.T, strict=True):
            _require_factor(factor, column, name)


@promise()
def images_differ(subject: DataSubject) -> None:
    """The training images are not all the same."""
    images = subject.dataset.train.images
    require(bool((images[:100] != images[:1]).any()), "the first training images are all the same")


@promise()
def splits_share_no_images(subject: DataSubject) -> None:
    """The splits are disjoint by content: at most one held-out image in a hundred is a training image too."""
    seen = _contents(subject.dataset.train)
    for name in ("validation", "test"):
        held_out = getattr(subject.dataset, name)
        shared = len(_contents(held_out) & seen)
        most = SHARED * len(held_out)
        require(shared <= most, f"{shared} of {len(held_out)} images of {name} are training images too")


@promise()
def loading_is_repeatable(subject: DataSubject) -> None:
    """A second load gives the same digest and the same images, and touches no global random state."""
    first = subject.dataset
    with watching() as watched:
        second = subject.load()
    require(first.digest == second.digest, f"the digest is {first.digest[:8]} first and {second.digest[:8]} then")
    for (name, one), (_, other) in zip(_splits(first), _splits(second), strict=True):
        require(torch.equal(one.images, other.images), f"{name}.images are others on the second load")
        require(torch.equal(one.labels, other.labels), f"{name}.labels are others on the second load")
    require(not watched.settings, f"loading changed {', '.join(watched.settings)}")


@promise()
def images_are_loaded_at_the_size_asked_for(subject: DataSubject) -> None:
    """`load(size)` gives images of that size, a spec that says so and another digest, or refuses it in a sentence."""
    size = 28 if subject.dataset.spec.size != 28 else 32
    try:
        resized = subject.load(size)
    except BenchError:
        return
    require(resized.spec.size == size, f"load({size}) gave a spec of size {resized.spec.size}")
    shape = tuple(resized.train.images.shape[1:])
    require(shape == resized.spec.shape, f"load({size}) gave images of shape {shape}, wanted {resized.spec.shape}")
    require(resized.digest != subject.dataset.digest, f"load({size}) has the digest of the native size")


def _splits(dataset: Dataset) -> list[tuple[str, Data]]:
    return [(name, getattr(dataset, name)) for name in SPLITS]


def _require_factor(factor: Factor, column: torch.Tensor, name: str) -> None:
    low, high = (float(bound) for bound in column.aminmax())
    inside = low >= factor.low and high <= factor.high
    require(inside, f"{name}: {factor.name} lies in {low:.4g}..{high:.4g}, its range is {factor.low}..{factor.high}")
    if factor.count is not None:
        values = len(column.unique())
        require(values <= factor.count, f"{name}: {factor.name} takes {values} values, the spec says {factor.count}")


def _contents(split: Data) -> set[bytes]:
    flat = split.images.flatten(1).numpy()
    return {hashlib.blake2b(row.tobytes(), digest_size=16).digest() for row in flat}


PROMISES = collect(globals())
