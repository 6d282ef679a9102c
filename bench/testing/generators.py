"""The promises of every generator, in addition to those of every model; with `needs`, of some capabilities only."""

from collections.abc import Callable, Sequence
from functools import partial
from inspect import signature
from typing import Any

import torch
from torch import Tensor

from bench.api import CAPABILITIES
from bench.testing import codes, models
from bench.testing.data import without_classes
from bench.testing.models import SMALL
from bench.testing.promise import Skipped, collect, describe, promise, require
from bench.testing.subject import BATCH, GeneratorSubject
from bench.testing.watch import without_side_effects
from bench.util.hashing import tensor_digest

ALONE = 1e-4  # relative tolerance between an image alone and in a batch: matrix shapes change the rounding


ARGUMENTS = {
    "sample": "n, rng",
    "sample_class": "labels, rng",
    "sample_mixture": "weights, rng",
    "draw_codes": "n, rng",
    "decode": "codes, rng",
    "encode": "images",
    "reconstruct": "images",
    "logits": "images",
    "log_weights": "images, draws, rng",
}


@promise(
    "G01",
    why="the host calls methods by position",
    remedy="use the signature of the documentation",
)
def methods_take_the_documented_arguments(subject: GeneratorSubject) -> None:
    """Methods take their documented arguments by position, such as `sample(n, rng)` and `sample_class(labels, rng)`."""
    for name in ("sample", *(method for need in subject.capabilities for method in CAPABILITIES[need])):
        own, expected = signature(getattr(subject.target, name)), ARGUMENTS[name]
        try:
            own.bind("self", *expected.split(", "))
        except TypeError:
            require(False, f"{name}{str(own).replace('(self, ', '(', 1)}: expected ({expected})")


@promise(
    "G02",
    why="all methods of a run share one guide",
    remedy="train a copy: `copy.deepcopy(run.guide)`",
)
def fit_leaves_the_guide_unchanged(subject: GeneratorSubject) -> None:
    """`fit` does not change the guide: its state, its mode, and no gradients in its parameters."""
    require(not subject.fitted.guide_changed, "fit changed the guide")


@promise(
    "G03",
    why="many folders of images have no classes",
    remedy="do without labels and the guide if `spec.has_classes` is False, or set `needs_classes = True`",
)
def fit_works_without_classes(subject: GeneratorSubject) -> None:
    """`fit` works on images of one class and without a guide, unless `not_for` or `needs_classes` excludes them or there are `logits`."""
    plain = without_classes(subject.dataset)
    if subject.limit(plain.spec):
        return
    try:
        subject.fit(plain, images=SMALL).model.sample(2, subject.rng())
    except Exception as error:
        require(False, f"images without classes: {describe(error)}; set needs_classes = True if it needs them")


@promise(
    "G04",
    why="metrics read uint8 images, and a value out of range would be clipped silently",
    remedy="return float32 in [0, 1], without grad, on the device of `rng`",
)
def samples_are_images(subject: GeneratorSubject) -> None:
    """All samples are float32 of shape (n, c, h, w) in [0, 1] on the device, without grad; for one image and for seven."""
    for n in (1, BATCH):
        for name, draw in subject.draws(subject.model, n).items():
            _require_images(subject, draw(subject.rng()), n, f"{name} of {n}")


@promise(
    "G05",
    why="samples must be reproducible from their seed",
    remedy="pass `generator=rng` to every random function",
)
def same_rng_gives_same_images(subject: GeneratorSubject) -> None:
    """The same `rng` gives bit-identical images (on the CPU)."""
    first, second = ({name: draw(subject.rng()) for name, draw in _draws(subject)} for _ in range(2))
    subject.require_same(first, second, "two calls with the same rng")


@promise(
    "G06",
    why="samples of a fixed seed inside the model are not samples",
    remedy="pass `generator=rng` to every random function",
)
def another_rng_gives_other_images(subject: GeneratorSubject) -> None:
    """Another `rng` gives other images."""
    first, second = (subject.model.sample(BATCH, subject.rng(seed)) for seed in (1, 2))
    require(
        not torch.equal(first, second),
        "sample: expected other images from another rng, got the same",
    )


@promise(
    "G07",
    why="distances of distributions need a distribution",
    remedy="draw noise for each image of the call",
)
def samples_are_not_all_one_image(subject: GeneratorSubject) -> None:
    """The images of one call are not all equal."""
    images = subject.model.sample(2 * BATCH, subject.rng())
    require(bool((images != images[:1]).any()), f"sample: expected different images, got {len(images)} equal ones")


@promise(
    "G08",
    why="the host scales and stores images in place",
    remedy="return a copy: `images.clone()`",
)
def samples_belong_to_the_caller(subject: GeneratorSubject) -> None:
    """Modifying drawn images in place changes neither the model nor later samples."""
    for name, draw in _draws(subject):
        drawn = draw(subject.rng())
        kept = drawn.clone()
        drawn.fill_(0.5)
        require(
            subject.equal(draw(subject.rng()), kept),
            f"{name}: writing into its images changes the next ones",
        )


@promise(
    "G09",
    why="one measurement must not change the next",
    remedy="draw from `rng` alone, write nothing, and put back every setting",
)
def using_a_model_leaves_the_process_unchanged(subject: GeneratorSubject) -> None:
    """Using a fitted model changes no global random state, no process setting, no file and no thread."""
    for name, use in _uses(subject):
        with without_side_effects(name):
            use()


@promise(
    "G10",
    why="the order of the metrics must not change their values",
    remedy="compute what sampling needs in `fit`, and change no buffer afterwards",
)
def using_a_model_leaves_it_unchanged(subject: GeneratorSubject) -> None:
    """Using a fitted model does not change its state dict."""
    for name, use in _uses(subject):
        before = tensor_digest(subject.model.state_dict())
        use()
        require(before == tensor_digest(subject.model.state_dict()), f"{name} changed the state dict")


@promise(
    "G11",
    needs=tuple(CAPABILITIES),
    why="the host uses its labels, codes and images again",
    remedy="work on a copy of the argument",
)
def arguments_are_left_unchanged(subject: GeneratorSubject) -> None:
    """The labels, weights, codes and images that are passed in are not modified."""
    for name, argument, call in _calls(subject):
        before = argument.clone()
        call(argument)
        require(torch.equal(before, argument), f"{name} changed its argument in place")


@promise(
    "G12",
    needs=("ClassConditional",),
    why="class metrics compare images with the label that was asked for",
    remedy="condition the images on `labels`",
)
def labels_are_honoured(subject: GeneratorSubject) -> None:
    """`sample_class(labels, rng)` draws one image per label, and other labels give other images from the same rng."""
    _require_choice(subject, "sample_class", lambda k: torch.full((BATCH,), k, device=subject.device))


@promise(
    "G13",
    needs=("ClassMixing",),
    why="mixing metrics compare images with the shares that were asked for",
    remedy="condition the images on `weights`, mixed rows included",
)
def mixtures_are_honoured(subject: GeneratorSubject) -> None:
    """`sample_mixture(weights, rng)` takes pure and mixed rows; other weights give other images from the same rng."""
    pure = torch.eye(len(subject.dataset.spec.classes), device=subject.device)
    mixed = subject.model.sample_mixture(subject.mixtures(subject.labels), subject.rng())
    _require_images(subject, mixed, BATCH, "sample_mixture of mixed rows")
    _require_choice(subject, "sample_mixture", lambda k: pure[k].expand(BATCH, -1).clone())


@promise(
    "G14",
    needs=("CodeConditional",),
    why="control metrics compare images of other codes",
    remedy="decode images from `codes`, and draw codes with `generator=rng`",
)
def codes_are_honoured(subject: GeneratorSubject) -> None:
    """`draw_codes` gives float32 codes (n, d), equal for the same rng; other codes decode to other images."""
    first, again, other = (subject.model.draw_codes(BATCH, subject.rng(seed)) for seed in (1, 1, 2))
    _require_table(first, BATCH, "draw_codes")
    require(torch.equal(first, again), "draw_codes: expected the same codes from the same rng, got others")
    images = subject.model.decode(first, subject.rng())
    _require_images(subject, images, BATCH, "decode")
    require(
        not torch.equal(images, subject.model.decode(other, subject.rng())),
        "decode: expected other images from other codes, got the same",
    )


@promise(
    "G15",
    needs=("Encoding",),
    why="codes of real images are compared with codes that were drawn",
    remedy="return float32 (n, d), with d as in `draw_codes`",
)
def encodings_are_codes(subject: GeneratorSubject) -> None:
    """`encode` gives finite float32 codes (n, d), with as many columns as `draw_codes` if the model has both."""
    codes = subject.model.encode(subject.images)
    _require_table(codes, BATCH, "encode")
    if "CodeConditional" in subject.capabilities:
        columns = subject.model.draw_codes(1, subject.rng()).shape[1]
        require(
            codes.shape[1] == columns, f"encode: expected {columns} columns as from draw_codes, got {codes.shape[1]}"
        )


@promise(
    "G16",
    needs=("Reconstructing",),
    why="reconstruction metrics compare each image with its own reconstruction",
    remedy="reconstruct each image from its own encoding, in [0, 1]",
)
def reconstructions_follow_the_image(subject: GeneratorSubject) -> None:
    """`reconstruct` gives one image in [0, 1] per image, and other images for other images."""
    images = subject.model.reconstruct(subject.images)
    _require_images(subject, images, BATCH, "reconstruct")
    require(
        bool((images != images[:1]).any()),
        "reconstruct: expected different images for different images, got equal ones",
    )


@promise(
    "G17",
    needs=("SelfClassifying",),
    why="accuracy and calibration are read off the logits",
    remedy="return float32 (n, classes), finite",
)
def own_logits_are_one_row_per_image(subject: GeneratorSubject) -> None:
    """`logits` gives one finite float32 row per image with one column per class."""
    logits = subject.model.logits(subject.images)
    _require_table(logits, BATCH, "logits", columns=len(subject.dataset.spec.classes))


@promise(
    "G18",
    needs=("CodeConditional", "Encoding", "Reconstructing", "SelfClassifying"),
    why="results must not depend on the chunks that the host works in",
    remedy="use norms that do not look at the batch, or their statistics of training",
)
def an_image_alone_is_as_in_a_batch(subject: GeneratorSubject) -> None:
    """The result for one image is the same alone and in a batch, to 1e-4 of the largest value; also for one code,
    if `decode` ignores its rng."""
    together = [(name, argument, call) for name, argument, call in _calls(subject) if not name.startswith("sample")]
    for name, argument, call in together:
        if name == "log_weights" or (name == "decode" and _uses_rng(subject, argument)):
            continue
        batch, alone = call(argument).detach(), call(argument[:1]).detach()
        far = float((batch[:1] - alone).abs().max() / batch.abs().max().clamp(min=1))
        require(
            far <= ALONE, f"{name}: one image alone and in a batch differ by {far:.2g}; is a norm in training mode?"
        )


@promise(
    "G19",
    needs=("CodeConditional", "Encoding", "Reconstructing", "SelfClassifying"),
    why="a measurement that is repeated must give the same value",
    remedy="use the mean of a posterior, and no dropout, outside of `fit`",
)
def answers_are_repeatable(subject: GeneratorSubject) -> None:
    """Two calls with the same images give the same result."""
    if not (answers := subject.answers(subject.model)):
        raise Skipped("it decodes codes but has no method that takes images")
    first, second = ({name: answer(subject.images) for name, answer in answers.items()} for _ in range(2))
    subject.require_same(first, second, "two calls with the same images")


@promise(
    "G24",
    needs=("Density",),
    why="the bits of an image are the mean of its weights over draws, taken by the host",
    remedy="return one row for each draw, float, without grad, and draw with `generator=rng`",
)
def log_weights_are_one_row_per_draw(subject: GeneratorSubject) -> None:
    """`log_weights(images, draws, rng)` gives finite values (draws, n) without grad, the same for the same rng, for one
    draw and for three, unless the attribute `no_density` says why not.

    The suite cannot tell whether they are those of a density: that it integrates to 1 is up to the tests of a plugin.
    """
    if reason := getattr(subject.model, "no_density", ""):
        require(isinstance(reason, str), f"no_density: expected a text, got {type(reason).__name__}")
        raise Skipped(f"it has no density: {reason}")
    for draws in (1, 3):
        first, again = (subject.model.log_weights(subject.images.clone(), draws, subject.rng()) for _ in range(2))
        expected = (draws, BATCH)
        require(tuple(first.shape) == expected, f"log_weights: expected shape {expected}, got {tuple(first.shape)}")
        require(first.is_floating_point(), f"log_weights: expected floats, got {first.dtype}")
        require(
            not first.requires_grad, "log_weights: expected no grad, got requires_grad=True; use `@torch.no_grad()`"
        )
        require(bool(first.isfinite().all()), "log_weights: expected finite values, got nan or inf")
        require(subject.equal(first, again), "log_weights: expected the same values from the same rng, got others")


def _draws(subject: GeneratorSubject) -> list[tuple[str, Any]]:
    return list(subject.draws(subject.model).items())


def _uses(subject: GeneratorSubject) -> Sequence[tuple[str, Callable[[], Any]]]:
    """Every public method of a fitted model, as a function without arguments."""
    draws = [(name, partial(draw, subject.rng())) for name, draw in _draws(subject)]
    return draws + [(name, partial(answer, subject.images)) for name, answer in subject.answers(subject.model).items()]


def _calls(subject: GeneratorSubject) -> list[tuple[str, Tensor, Callable[[Tensor], Tensor]]]:
    """Every method that takes a tensor: its name, an argument, and the method."""
    model, has = subject.model, subject.capabilities
    calls: list[tuple[str, Tensor, Callable[[Tensor], Tensor]]] = [
        (name, subject.images.clone(), answer) for name, answer in subject.answers(model).items()
    ]
    if "ClassConditional" in has:
        calls.append(("sample_class", subject.labels, lambda labels: model.sample_class(labels, subject.rng())))
    if "ClassMixing" in has:
        weights = subject.mixtures(subject.labels)
        calls.append(("sample_mixture", weights, lambda weights: model.sample_mixture(weights, subject.rng())))
    if "CodeConditional" in has:
        codes = model.draw_codes(BATCH, subject.rng())
        calls.append(("decode", codes, lambda codes: model.decode(codes, subject.rng())))
    return calls


def _uses_rng(subject: GeneratorSubject, codes: Tensor) -> bool:
    first, second = (subject.model.decode(codes, subject.rng(seed)) for seed in (1, 2))
    return not torch.equal(first, second)


def _require_images(subject: GeneratorSubject, images: Tensor, n: int, what: str) -> None:
    expected = (n, *subject.dataset.spec.shape)
    require(tuple(images.shape) == expected, f"{what}: expected shape {expected}, got {tuple(images.shape)}")
    require(images.dtype == torch.float32, f"{what}: expected torch.float32, got {images.dtype}")
    require(
        not images.requires_grad,
        f"{what}: expected images without grad, got requires_grad=True; use `@torch.no_grad()`",
    )
    require(
        images.device.type == subject.device.type, f"{what}: expected images on {subject.device}, got {images.device}"
    )
    require(bool(images.isfinite().all()), f"{what}: expected finite values, got nan or inf")
    low, high = (float(bound) for bound in images.aminmax())
    require(
        low >= 0 and high <= 1, f"{what}: expected values in [0, 1], got {low:.4g} to {high:.4g}; use `.clamp(0, 1)`"
    )


def _require_table(table: Tensor, rows: int, what: str, columns: int | None = None) -> None:
    expected = f"({rows}, {columns or 'd'})"
    fits = table.ndim == 2 and len(table) == rows and columns in (None, table.shape[-1])
    require(fits, f"{what}: expected shape {expected}, got {tuple(table.shape)}")
    require(table.dtype == torch.float32, f"{what}: expected torch.float32, got {table.dtype}")
    require(bool(table.isfinite().all()), f"{what}: expected finite values, got nan or inf")


def _require_choice(subject: GeneratorSubject, method: str, of_class: Callable[[int], Tensor]) -> None:
    draw = getattr(subject.model, method)
    drawn = [draw(of_class(k), subject.rng()) for k in range(len(subject.dataset.spec.classes))]
    for k, images in enumerate(drawn):
        _require_images(subject, images, BATCH, f"{method} of class {k}")
        require(
            not (k and torch.equal(images, drawn[0])),
            f"{method}: expected other images for class {k} than for class 0, got the same",
        )


PROMISES = (*models.PROMISES, *collect(globals()), *codes.PROMISES)
