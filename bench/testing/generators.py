"""What every generator promises beside what every model does; with `needs`, only one with that capability."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor

from bench.testing import models
from bench.testing.promise import Skipped, collect, promise, require
from bench.testing.subject import BATCH, GeneratorSubject
from bench.testing.watch import watching
from bench.util.hashing import tensor_digest

ALONE = 1e-4  # how far an answer may depend on the batch: the rounding of other matrix shapes


@promise()
def fit_leaves_the_guide_unchanged(subject: GeneratorSubject) -> None:
    """`fit` leaves the guide as it was lent: its state, its mode, no gradients in its parameters."""
    require(not subject.fitted.guide_changed, "the guide is another after fit")


@promise()
def samples_are_images(subject: GeneratorSubject) -> None:
    """Whatever is drawn is float32 of shape (n, c, h, w) in [0, 1] on the device, without grad; one image or seven."""
    for n in (1, BATCH):
        for name, draw in subject.draws(subject.model, n).items():
            _require_images(subject, draw(subject.rng()), n, f"{name} of {n}")


@promise()
def same_rng_gives_same_images(subject: GeneratorSubject) -> None:
    """The same `rng` draws the same images, to the bit (on the CPU)."""
    first, second = ({name: draw(subject.rng()) for name, draw in _draws(subject)} for _ in range(2))
    subject.require_same(first, second, "two draws with the same rng")


@promise()
def another_rng_gives_other_images(subject: GeneratorSubject) -> None:
    """Another `rng` draws other images."""
    first, second = (subject.model.sample(BATCH, subject.rng(seed)) for seed in (1, 2))
    require(not torch.equal(first, second), "sample gives the same images whatever the rng")


@promise()
def samples_are_not_all_one_image(subject: GeneratorSubject) -> None:
    """The images of one draw are not all the same."""
    images = subject.model.sample(2 * BATCH, subject.rng())
    require(bool((images != images[:1]).any()), f"all {len(images)} images are the same")


@promise()
def samples_belong_to_the_caller(subject: GeneratorSubject) -> None:
    """What the caller does to drawn images changes neither the model nor what is drawn next."""
    for name, draw in _draws(subject):
        drawn = draw(subject.rng())
        kept = drawn.clone()
        drawn.fill_(0.5)
        require(
            subject.equal(draw(subject.rng()), kept), f"what is written into the images of {name} is drawn next time"
        )


@promise()
def using_a_model_leaves_the_process_unchanged(subject: GeneratorSubject) -> None:
    """Drawing and answering touch no global random state, no setting of the process, no file, no thread."""
    for name, use in _uses(subject):
        with watching() as watched:
            use()
        changed = watched.settings + watched.files + watched.alive
        require(not changed, f"{name} changed {', '.join(changed)}")


@promise()
def using_a_model_leaves_it_unchanged(subject: GeneratorSubject) -> None:
    """Drawing and answering leave the state dict as it was."""
    for name, use in _uses(subject):
        before = tensor_digest(subject.model.state_dict())
        use()
        require(before == tensor_digest(subject.model.state_dict()), f"{name} changed the state dict")


@promise("ClassConditional", "ClassMixing", "CodeConditional", "Encoding", "Reconstructing", "SelfClassifying")
def arguments_are_left_unchanged(subject: GeneratorSubject) -> None:
    """The labels, weights, codes and images that are handed in are left unchanged."""
    for name, argument, call in _calls(subject):
        before = argument.clone()
        call(argument)
        require(torch.equal(before, argument), f"{name} changed its argument in place")


@promise("ClassConditional")
def labels_are_honoured(subject: GeneratorSubject) -> None:
    """`sample_class` draws one image for each label, and other labels give other images from the same rng."""
    _require_choice(subject, "sample_class", lambda k: torch.full((BATCH,), k, device=subject.device))


@promise("ClassMixing")
def mixtures_are_honoured(subject: GeneratorSubject) -> None:
    """`sample_mixture` takes pure and mixed rows, and other weights give other images from the same rng."""
    pure = torch.eye(len(subject.dataset.spec.classes), device=subject.device)
    mixed = subject.model.sample_mixture(subject.mixtures(subject.labels), subject.rng())
    _require_images(subject, mixed, BATCH, "sample_mixture of mixed rows")
    _require_choice(subject, "sample_mixture", lambda k: pure[k].expand(BATCH, -1).clone())


@promise("CodeConditional")
def codes_are_honoured(subject: GeneratorSubject) -> None:
    """`draw_codes` gives float32 codes (n, d), the same from the same rng; other codes decode to other images."""
    first, again, other = (subject.model.draw_codes(BATCH, subject.rng(seed)) for seed in (1, 1, 2))
    _require_table(first, BATCH, "draw_codes")
    require(torch.equal(first, again), "draw_codes gives other codes from the same rng")
    images = subject.model.decode(first, subject.rng())
    _require_images(subject, images, BATCH, "decode")
    require(not torch.equal(images, subject.model.decode(other, subject.rng())), "decode ignores the codes")


@promise("Encoding")
def encodings_are_codes(subject: GeneratorSubject) -> None:
    """`encode` gives finite float32 codes (n, d), with as many columns as `draw_codes` where both are there."""
    codes = subject.model.encode(subject.images)
    _require_table(codes, BATCH, "encode")
    if "CodeConditional" in subject.capabilities:
        columns = subject.model.draw_codes(1, subject.rng()).shape[1]
        require(codes.shape[1] == columns, f"encode gives {codes.shape[1]} columns, draw_codes {columns}")


@promise("Reconstructing")
def reconstructions_follow_the_image(subject: GeneratorSubject) -> None:
    """`reconstruct` gives one image in [0, 1] for each image, another one for another image."""
    images = subject.model.reconstruct(subject.images)
    _require_images(subject, images, BATCH, "reconstruct")
    require(bool((images != images[:1]).any()), "reconstruct gives the same image for all images")


@promise("SelfClassifying")
def own_logits_are_one_row_per_image(subject: GeneratorSubject) -> None:
    """`logits` gives one finite float32 row per image with one column per class."""
    logits = subject.model.logits(subject.images)
    _require_table(logits, BATCH, "logits", columns=len(subject.dataset.spec.classes))


@promise("CodeConditional", "Encoding", "Reconstructing", "SelfClassifying")
def an_image_alone_is_as_in_a_batch(subject: GeneratorSubject) -> None:
    """The answer to one image (or code, where `decode` ignores its rng) is the same alone and in a batch, to 1e-4 of
    the largest value."""
    together = [(name, argument, call) for name, argument, call in _calls(subject) if not name.startswith("sample")]
    for name, argument, call in together:
        if name == "decode" and _uses_rng(subject, argument):
            continue
        batch, alone = call(argument).detach(), call(argument[:1]).detach()
        far = float((batch[:1] - alone).abs().max() / batch.abs().max().clamp(min=1))
        require(far <= ALONE, f"{name} of an image alone is {far:.2g} away from the same image in a batch")


@promise("CodeConditional", "Encoding", "Reconstructing", "SelfClassifying")
def answers_are_repeatable(subject: GeneratorSubject) -> None:
    """The same image gets the same answer each time."""
    if not (answers := subject.answers(subject.model)):
        raise Skipped("it draws from codes but answers to no images")
    first, second = ({name: answer(subject.images) for name, answer in answers.items()} for _ in range(2))
    subject.require_same(first, second, "two answers to the same images")


def _draws(subject: GeneratorSubject) -> list[tuple[str, Any]]:
    return list(subject.draws(subject.model).items())


def _uses(subject: GeneratorSubject) -> Sequence[tuple[str, Callable[[], Any]]]:
    """Everything that can be done with a fitted model, as calls without arguments."""
    draws = [(name, partial(draw, subject.rng())) for name, draw in _draws(subject)]
    return draws + [(name, partial(answer, subject.images)) for name, answer in subject.answers(subject.model).items()]


def _calls(subject: GeneratorSubject) -> list[tuple[str, Tensor, Callable[[Tensor], Tensor]]]:
    """Every method that takes a tensor, with such a tensor."""
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
    wanted = (n, *subject.dataset.spec.shape)
    require(tuple(images.shape) == wanted, f"{what} gave shape {tuple(images.shape)}, wanted {wanted}")
    require(images.dtype == torch.float32, f"{what} gave {images.dtype}, wanted torch.float32")
    require(not images.requires_grad, f"{what} gave images that require grad")
    require(images.device.type == subject.device.type, f"{what} is on {images.device}, wanted {subject.device}")
    require(bool(images.isfinite().all()), f"{what} gave values that are not finite")
    low, high = (float(bound) for bound in images.aminmax())
    require(low >= 0 and high <= 1, f"{what} gave values from {low:.4g} to {high:.4g}, wanted [0, 1]")


def _require_table(table: Tensor, rows: int, what: str, columns: int | None = None) -> None:
    wanted = f"({rows}, {columns or 'd'})"
    fits = table.ndim == 2 and len(table) == rows and columns in (None, table.shape[-1])
    require(fits, f"{what} gave shape {tuple(table.shape)}, wanted {wanted}")
    require(table.dtype == torch.float32, f"{what} gave {table.dtype}, wanted torch.float32")
    require(bool(table.isfinite().all()), f"{what} gave values that are not finite")


def _require_choice(subject: GeneratorSubject, method: str, of_class: Callable[[int], Tensor]) -> None:
    draw = getattr(subject.model, method)
    drawn = [draw(of_class(k), subject.rng()) for k in range(len(subject.dataset.spec.classes))]
    for k, images in enumerate(drawn):
        _require_images(subject, images, BATCH, f"{method} of class {k}")
        require(not (k and torch.equal(images, drawn[0])), f"{method} gives the same images for class 0 and class {k}")


PROMISES = (*models.PROMISES, *collect(globals()))
