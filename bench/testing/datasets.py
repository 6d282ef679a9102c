"""The promises of every data set. Most are skipped unless its files are on this machine."""

import hashlib

import torch

from bench.api import Data, Dataset, DataState, Factor
from bench.errors import BenchError
from bench.testing.another_process import require_same_elsewhere
from bench.testing.promise import Skipped, collect, promise, require
from bench.testing.subject import DataSubject
from bench.testing.watch import watching, without_side_effects

SPLITS = ("train", "validation", "test")
DRAWN = 9  # images that are drawn again
SHARED = 0.01  # fraction of held-out images that may be training images too: collections have duplicates


@promise(
    "D01",
    why="`bench list` asks every data set for its state",
    remedy="look for the files in `state()`, and load nothing",
)
def state_needs_no_loading(subject: DataSubject) -> None:
    """`state()` says whether the data are ready, need a download or are missing, with a note on how to get them."""
    with without_side_effects("state()"):
        state = subject.source.state()
    require(isinstance(state, DataState), f"state(): expected a DataState, got {type(state).__name__}")
    known = state.state in ("ready", "download", "missing")
    require(known, f"state(): expected 'ready', 'download' or 'missing', got {state.state!r}")
    require(
        state.state == "ready" or bool(state.note),
        f"state(): expected a note with {state.state!r} that says how to get the data, got none",
    )


@promise(
    "D02",
    why="a finished run is reused only if these files are unchanged",
    remedy="name in `reads()` the files that `load` opens, or return None",
)
def files_it_reads_exist(subject: DataSubject) -> None:
    """If the state is ready, the files in `reads()` exist; `reads()` may be None if they are unknown."""
    if subject.source.state().state != "ready":
        raise Skipped("its data are not on this machine")
    absent = [str(path) for path in subject.source.reads() or () if not path.exists()]
    require(not absent, f"reads(): expected existing files, got {', '.join(absent[:3])}: no such file")


@promise(
    "D03",
    why="models are built for the images that the spec describes",
    remedy="return uint8 images (n, c, size, size) and int64 labels (n,), with one spec",
)
def splits_agree_with_the_spec(subject: DataSubject) -> None:
    """Each split has images, uint8 of shape (n, c, size, size), labels, int64 (n,), and the spec of the data set."""
    spec = subject.dataset.spec
    for name, split in _splits(subject.dataset):
        n = len(split)
        require(n > 0, f"{name} is empty")
        require(split.spec == spec, f"{name}.spec: expected the spec of the data set, got another")
        shape = tuple(split.images.shape)
        require(shape == (n, *spec.shape), f"{name}.images: expected shape {(n, *spec.shape)}, got {shape}")
        require(
            split.images.dtype == torch.uint8,
            f"{name}.images: expected torch.uint8, got {split.images.dtype}; use `bench.quantize`",
        )
        require(
            tuple(split.labels.shape) == (n,), f"{name}.labels: expected shape ({n},), got {tuple(split.labels.shape)}"
        )
        require(
            split.labels.dtype == torch.int64,
            f"{name}.labels: expected torch.int64, got {split.labels.dtype}; use `.long()`",
        )


@promise(
    "D04",
    why="labels are indices of `spec.classes`",
    remedy="count labels from 0, and keep every class in the training split",
)
def labels_name_a_class(subject: DataSubject) -> None:
    """Labels are indices of `spec.classes`, which are distinct, and the training split has every class."""
    classes = subject.dataset.spec.classes
    require(len(set(classes)) == len(classes), "spec.classes: expected distinct names, got a duplicate")
    for name, split in _splits(subject.dataset):
        low, high = (int(bound) for bound in split.labels.aminmax())
        require(
            low >= 0 and high < len(classes),
            f"{name}.labels: expected labels in 0..{len(classes) - 1}, got {low}..{high}",
        )
    absent = set(range(len(classes))) - set(subject.dataset.train.labels.unique().tolist())
    require(
        not absent, f"train.labels: expected every class, got none of {', '.join(classes[k] for k in sorted(absent))}"
    )


@promise(
    "D05",
    why="control and disentanglement are measured against the factors",
    remedy="return float32 factors (n, f) within the ranges of the spec",
)
def factors_agree_with_the_spec(subject: DataSubject) -> None:
    """Factors are float32 (n, f) in their ranges, one column for each factor of the spec, or None without any."""
    factors = subject.dataset.spec.factors
    for name, split in _splits(subject.dataset):
        if split.factors is None or not factors:
            require(
                split.factors is None and not factors,
                f"{name}.factors and spec.factors: expected both or none, got one",
            )
            continue
        shape = tuple(split.factors.shape)
        require(
            shape == (len(split), len(factors)),
            f"{name}.factors: expected shape {(len(split), len(factors))}, got {shape}",
        )
        require(
            split.factors.dtype == torch.float32, f"{name}.factors: expected torch.float32, got {split.factors.dtype}"
        )
        for factor, column in zip(factors, split.factors.T, strict=True):
            _require_factor(factor, column, name)


@promise(
    "D06",
    why="equal images mean that the files were read wrongly",
    remedy="check what the files hold and how they are decoded",
)
def images_differ(subject: DataSubject) -> None:
    """The training images are not all the same."""
    images = subject.dataset.train.images
    require(bool((images[:100] != images[:1]).any()), "train.images: expected different images, got 100 equal ones")


@promise(
    "D07",
    why="a method must not be scored on images that it was trained on",
    remedy="split by content, and remove duplicates",
)
def splits_share_no_images(subject: DataSubject) -> None:
    """The splits are disjoint by content: at most one held-out image in a hundred is a training image too."""
    seen = _contents(subject.dataset.train)
    for name in ("validation", "test"):
        held_out = getattr(subject.dataset, name)
        shared = len(_contents(held_out) & seen)
        most = SHARED * len(held_out)
        require(shared <= most, f"{name}: expected at most 1 % training images, got {shared} of {len(held_out)}")


@promise(
    "D08",
    why="results on different data must not be on one board",
    remedy="seed a generator of its own, and sort the files that are read",
)
def loading_is_repeatable(subject: DataSubject) -> None:
    """A second load gives the same digest and the same images, and changes no global random state."""
    first = subject.dataset
    with watching() as watched:
        second = subject.load()
    require(first.digest == second.digest, f"load(): expected digest {first.digest[:8]} again, got {second.digest[:8]}")
    for (name, one), (_, other) in zip(_splits(first), _splits(second), strict=True):
        require(torch.equal(one.images, other.images), f"{name}.images differ between two loads")
        require(torch.equal(one.labels, other.labels), f"{name}.labels differ between two loads")
    require(not watched.settings, f"loading changed {', '.join(watched.settings)}")


@promise(
    "D09",
    why="a run may ask for another size",
    remedy="resize to `size` with another digest, or raise `BenchError`",
)
def images_are_loaded_at_the_requested_size(subject: DataSubject) -> None:
    """`load(size)` gives images and a spec of that size and another digest, or raises a `BenchError`."""
    size = 28 if subject.dataset.spec.size != 28 else 32
    try:
        resized = subject.load(size)
    except BenchError:
        return
    require(resized.spec.size == size, f"load({size}): expected a spec of size {size}, got {resized.spec.size}")
    shape = tuple(resized.train.images.shape[1:])
    require(shape == resized.spec.shape, f"load({size}): expected images of shape {resized.spec.shape}, got {shape}")
    require(
        resized.digest != subject.dataset.digest,
        f"load({size}): expected another digest than that of the native size, got the same",
    )


@promise(
    "D13",
    why="results on different data must not be on one board",
    remedy="do not use the order of sets or of `os.listdir`, `hash`, or the time",
)
def another_process_loads_the_same_images(subject: DataSubject) -> None:
    """Another process loads the same digest and the same images."""
    require_same_elsewhere(subject)


@promise(
    "D10",
    needs=("Rendering",),
    why="the oracle is trained on images of drawn factors",
    remedy="draw within the ranges of the spec, with `generator=rng`",
)
def drawn_factors_are_those_of_the_spec(subject: DataSubject) -> None:
    """`draw_factors(n, rng)` gives n rows in the ranges of the factors, the same for the same rng."""
    spec, source = subject.dataset.spec, subject.rendering
    first, second, other = (source.draw_factors(100, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2))
    shape = (100, len(spec.factors))
    require(
        tuple(first.shape) == shape and first.dtype == torch.float32,
        f"draw_factors(100, rng): expected torch.float32 of shape {shape}, got {first.dtype} of {tuple(first.shape)}",
    )
    for factor, column in zip(spec.factors, first.T, strict=True):
        _require_factor(factor, column, "draw_factors(100, rng)")
    require(torch.equal(first, second), "draw_factors: two calls with the same rng differ")
    require(not torch.equal(first, other), "draw_factors: expected other rows from another rng, got the same")


@promise(
    "D11",
    needs=("Rendering",),
    why="drawn images stand in for stored ones",
    remedy="draw in `render` what `load` draws",
)
def stored_factors_draw_the_stored_images(subject: DataSubject) -> None:
    """`render(factors, size)` of stored factors gives the stored images, up to 1 of 255 levels."""
    test = subject.dataset.test[:DRAWN]
    assert test.factors is not None  # promised above
    images = subject.rendering.render(test.factors.clone(), test.spec.size)
    require(
        images.dtype == torch.uint8 and images.shape == test.images.shape,
        f"render: expected torch.uint8 of shape {tuple(test.images.shape)}, got {images.dtype} of {tuple(images.shape)}",
    )
    apart = int((images.int() - test.images.int()).abs().max())
    require(apart <= 1, f"render: expected the stored images up to 1 of 255 levels, got a difference of {apart}")


@promise(
    "D12",
    needs=("Rendering",),
    why="results must not depend on the chunks that the host works in",
    remedy="draw each row on its own, and leave `factors` unchanged",
)
def a_drawn_image_alone_is_as_in_a_batch(subject: DataSubject) -> None:
    """`render` draws the same image of a row of factors alone and in a batch, and leaves the factors unchanged."""
    source, size = subject.rendering, subject.dataset.spec.size
    factors = source.draw_factors(DRAWN, torch.Generator().manual_seed(1))
    before, images = factors.clone(), source.render(factors, size)
    require(torch.equal(factors, before), "render changed its factors")
    alone = torch.cat([source.render(row[None], size) for row in before])
    require(torch.equal(alone, images), "render: an image differs when it is drawn alone")


def _splits(dataset: Dataset) -> list[tuple[str, Data]]:
    return [(name, getattr(dataset, name)) for name in SPLITS]


def _require_factor(factor: Factor, column: torch.Tensor, name: str) -> None:
    low, high = (float(bound) for bound in column.aminmax())
    inside = low >= factor.low and high <= factor.high
    require(inside, f"{name}: expected {factor.name} in {factor.low}..{factor.high}, got {low:.4g}..{high:.4g}")
    if factor.count is not None:
        values = len(column.unique())
        require(
            values <= factor.count, f"{name}: expected at most {factor.count} values of {factor.name}, got {values}"
        )


def _contents(split: Data) -> set[bytes]:
    flat = split.images.flatten(1).numpy()
    return {hashlib.blake2b(row.tobytes(), digest_size=16).digest() for row in flat}


PROMISES = collect(globals())
