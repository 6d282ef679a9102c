"""What every classifier promises beside what every model does."""

import torch
from torch import Tensor

from bench.testing import models
from bench.testing.promise import collect, promise, require
from bench.testing.subject import BATCH, ClassifierSubject
from bench.testing.watch import watching
from bench.util.hashing import tensor_digest

ALONE = 1e-4  # how far an answer may depend on the batch: the rounding of other matrix shapes


@promise()
def logits_are_one_row_per_image(subject: ClassifierSubject) -> None:
    """`logits` gives one finite float32 row per image with one column per class; one image or seven."""
    for n in (1, BATCH):
        logits = subject.model.logits(subject.images[:n])
        wanted = (n, len(subject.dataset.spec.classes))
        require(tuple(logits.shape) == wanted, f"logits gave shape {tuple(logits.shape)}, wanted {wanted}")
        require(logits.dtype == torch.float32, f"logits gave {logits.dtype}, wanted torch.float32")
        require(bool(logits.isfinite().all()), "logits gave values that are not finite")


@promise()
def features_run_from_shallow_to_deep(subject: ClassifierSubject) -> None:
    """`features` gives at least two hidden layers with one row per image; the last is the pre-logits (n, d)."""
    layers = subject.model.features(subject.images)
    require(len(layers) >= 2, f"features gave {len(layers)} layers, wanted at least two")
    for depth, layer in enumerate(layers):
        require(len(layer) == BATCH, f"features[{depth}] has {len(layer)} rows for {BATCH} images")
        require(bool(layer.isfinite().all()), f"features[{depth}] holds values that are not finite")
    require(layers[-1].ndim == 2, f"features[-1] has shape {tuple(layers[-1].shape)}, wanted ({BATCH}, d)")


@promise()
def gradients_reach_the_image(subject: ClassifierSubject) -> None:
    """Gradients flow from the logits and from every hidden layer to the image, also with frozen parameters."""
    frozen = subject.reloaded().requires_grad_(False)
    for name in subject.outputs(frozen):
        images = subject.images.clone().requires_grad_()
        output = frozen.logits(images) if name == "logits" else frozen.features(images)[_depth(name)]
        require(output.requires_grad, f"{name} is cut off from the image")
        output.pow(2).sum().backward()
        require(_reaches(images.grad), f"the gradient of {name} at the image is zero or not finite")


@promise()
def an_image_alone_is_as_in_a_batch(subject: ClassifierSubject) -> None:
    """The logits and hidden layers of one image are the same alone and in a batch, to 1e-4 of the largest."""
    together = subject.outputs(subject.model)
    for name, output in subject.outputs(subject.model, n=1).items():
        far = float((together[name][:1] - output).abs().max() / together[name].abs().max().clamp(min=1))
        require(far <= ALONE, f"{name} of an image alone is {far:.2g} away from the same image in a batch")


@promise()
def answers_are_repeatable(subject: ClassifierSubject) -> None:
    """The same image gets the same answer each time."""
    subject.require_same(
        subject.outputs(subject.model), subject.outputs(subject.model), "two answers to the same images"
    )


@promise()
def using_a_model_leaves_the_process_unchanged(subject: ClassifierSubject) -> None:
    """Answering touches no global random state, no setting of the process, no file, no thread."""
    model = subject.model
    with watching() as watched:
        subject.outputs(model)
    changed = watched.settings + watched.files + watched.alive
    require(not changed, f"answering changed {', '.join(changed)}")


@promise()
def using_a_model_leaves_it_unchanged(subject: ClassifierSubject) -> None:
    """Answering leaves the state dict as it was."""
    before = tensor_digest(subject.model.state_dict())
    subject.outputs(subject.model)
    require(before == tensor_digest(subject.model.state_dict()), "answering changed the state dict")


@promise()
def arguments_are_left_unchanged(subject: ClassifierSubject) -> None:
    """The images that are handed in are left unchanged."""
    for method in ("logits", "features"):
        images = subject.images.clone()
        getattr(subject.model, method)(images)
        require(torch.equal(images, subject.images), f"{method} changed its argument in place")


def _depth(name: str) -> int:
    return int(name.removeprefix("features[").removesuffix("]"))


def _reaches(gradient: Tensor | None) -> bool:
    return gradient is not None and bool(gradient.isfinite().all()) and bool((gradient != 0).any())


PROMISES = (*models.PROMISES, *collect(globals()))
