"""The promises of every classifier, in addition to those of every model."""

import torch
from torch import Tensor

from bench.testing import models
from bench.testing.promise import collect, promise, require
from bench.testing.subject import BATCH, ClassifierSubject
from bench.testing.watch import without_side_effects
from bench.util.hashing import tensor_digest

ALONE = 1e-4  # relative tolerance between an image alone and in a batch: matrix shapes change the rounding


@promise(
    "C01",
    why="a guide or a judge is asked for the class of each image",
    remedy="return float32 (n, classes), finite",
)
def logits_are_one_row_per_image(subject: ClassifierSubject) -> None:
    """`logits` gives one finite float32 row per image with one column per class; one image or seven."""
    for n in (1, BATCH):
        logits = subject.model.logits(subject.images[:n])
        expected = (n, len(subject.dataset.spec.classes))
        require(tuple(logits.shape) == expected, f"logits: expected shape {expected}, got {tuple(logits.shape)}")
        require(logits.dtype == torch.float32, f"logits: expected torch.float32, got {logits.dtype}")
        require(bool(logits.isfinite().all()), "logits: expected finite values, got nan or inf")


@promise(
    "C02",
    why="methods and metrics compare hidden layers",
    remedy="return hidden layers from shallow to deep, the pre-logits (n, d) last",
)
def features_run_from_shallow_to_deep(subject: ClassifierSubject) -> None:
    """`features` gives at least two hidden layers with one row per image; the last is the pre-logits (n, d)."""
    layers = subject.model.features(subject.images)
    require(len(layers) >= 2, f"features: expected at least two layers, got {len(layers)}")
    for depth, layer in enumerate(layers):
        require(len(layer) == BATCH, f"features[{depth}]: expected {BATCH} rows, got {len(layer)}")
        require(bool(layer.isfinite().all()), f"features[{depth}]: expected finite values, got nan or inf")
    require(layers[-1].ndim == 2, f"features[-1]: expected shape ({BATCH}, d), got {tuple(layers[-1].shape)}")


@promise(
    "C03",
    why="methods are guided by gradients",
    remedy="compute `logits` and `features` without `detach()` and `torch.no_grad()`",
)
def gradients_reach_the_image(subject: ClassifierSubject) -> None:
    """Gradients flow from the logits and from every hidden layer to the image, also with frozen parameters."""
    frozen = subject.reloaded().requires_grad_(False)
    for name in subject.outputs(frozen):
        images = subject.images.clone().requires_grad_()
        output = frozen.logits(images) if name == "logits" else frozen.features(images)[_depth(name)]
        require(output.requires_grad, f"{name} is detached from the images; remove `detach()` or `torch.no_grad()`")
        output.pow(2).sum().backward()
        require(
            _reaches(images.grad), f"{name}: expected a finite, nonzero gradient at the images, got zero, nan or inf"
        )


@promise(
    "C04",
    why="scores must not depend on the chunks that the host works in",
    remedy="use norms that do not look at the batch, or their statistics of training",
)
def an_image_alone_is_as_in_a_batch(subject: ClassifierSubject) -> None:
    """The logits and hidden layers of one image are the same alone and in a batch, to 1e-4 of the largest."""
    together = subject.outputs(subject.model)
    for name, output in subject.outputs(subject.model, n=1).items():
        far = float((together[name][:1] - output).abs().max() / together[name].abs().max().clamp(min=1))
        require(
            far <= ALONE, f"{name}: one image alone and in a batch differ by {far:.2g}; is a norm in training mode?"
        )


@promise(
    "C05",
    why="a measurement that is repeated must give the same value",
    remedy="use no randomness outside of `fit`",
)
def answers_are_repeatable(subject: ClassifierSubject) -> None:
    """Two calls with the same images give the same result."""
    subject.require_same(
        subject.outputs(subject.model), subject.outputs(subject.model), "two calls with the same images"
    )


@promise(
    "C06",
    why="one measurement must not change the next",
    remedy="draw nothing, write nothing, and put back every setting",
)
def using_a_model_leaves_the_process_unchanged(subject: ClassifierSubject) -> None:
    """Calling `logits` and `features` changes no global random state, no process setting, no file and no thread."""
    model = subject.model
    with without_side_effects("logits or features"):
        subject.outputs(model)


@promise(
    "C07",
    why="all methods of a run share one guide and one judge",
    remedy="change no buffer outside of `fit`",
)
def using_a_model_leaves_it_unchanged(subject: ClassifierSubject) -> None:
    """Calling `logits` and `features` does not change the state dict."""
    before = tensor_digest(subject.model.state_dict())
    subject.outputs(subject.model)
    require(
        before == tensor_digest(subject.model.state_dict()),
        "logits or features changed the state dict; use buffers of `eval()` mode only",
    )


@promise(
    "C08",
    why="the host uses its images again",
    remedy="work on a copy of the images",
)
def arguments_are_left_unchanged(subject: ClassifierSubject) -> None:
    """The images that are passed in are not modified."""
    for method in ("logits", "features"):
        images = subject.images.clone()
        getattr(subject.model, method)(images)
        require(torch.equal(images, subject.images), f"{method} changed its argument in place")


def _depth(name: str) -> int:
    return int(name.removeprefix("features[").removesuffix("]"))


def _reaches(gradient: Tensor | None) -> bool:
    return gradient is not None and bool(gradient.isfinite().all()) and bool((gradient != 0).any())


PROMISES = (*models.PROMISES, *collect(globals()))
