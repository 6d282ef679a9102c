"""The promises of every model, generators and classifiers."""

import tempfile
from pathlib import Path

import torch

from bench import config
from bench.api import Generator, Spec
from bench.errors import BenchError
from bench.testing.data import CLASSES, FACTORS, tiny_dataset
from bench.testing.promise import Skipped, collect, promise, require
from bench.testing.subject import BUDGET, ModelSubject, only_on_cpu
from bench.testing.watch import Interrupted

SMALL = 64  # training images of a fit that only has to run: one batch per phase


@promise()
def settings_have_defaults_and_are_read_from_text(subject: ModelSubject) -> None:
    """`Config` is a frozen dataclass; every field has a default and can be read from text."""
    try:
        config.check_config(subject.target.Config)
    except BenchError as error:
        require(False, str(error))


@promise()
def is_built_from_config_and_spec_alone(subject: ModelSubject) -> None:
    """`cls(Config(), spec)` works for grayscale and for colour images, at 28 and at 32 pixels."""
    for channels in (1, 3):
        for size in (28, 32):
            subject.fresh(Spec("tiny", channels, size, CLASSES, FACTORS))


@promise()
def fit_trains_on_batches_of_the_run(subject: ModelSubject) -> None:
    """`fit(data, run)` trains on batches from `run.batches`, at least one."""
    if isinstance(subject.attempt, BaseException):
        raise subject.attempt
    require(subject.attempt.run.seen_batches > 0, "fit: expected at least one batch from run.batches, got none")


@promise()
def fit_stays_within_its_budget(subject: ModelSubject) -> None:
    """`fit` sees at most `run.images` training images in all phases together (a phase has at least one batch)."""
    run = subject.fitted.run
    most = BUDGET + 2 * run.largest_batch
    require(
        run.seen_images <= most,
        f"fit: expected at most {BUDGET} training images, got {run.seen_images}; use `run.images` or `run.share(...)`",
    )


@promise()
def fit_logs_a_loss(subject: ModelSubject) -> None:
    """`fit` logs a scalar with `run.log`, so that divergence is detected."""
    require(bool(subject.fitted.run.logged), "fit logged no scalar; call `run.log(loss=loss)` for each batch")


@promise()
def fit_works_on_grayscale_images(subject: ModelSubject) -> None:
    """`fit` also works on fewer, grayscale images of 28 pixels."""
    model = subject.fit(tiny_dataset(channels=1, size=28, train=51), images=SMALL).model
    if isinstance(model, Generator):
        shape = tuple(model.sample(2, subject.rng()).shape)
        require(shape == (2, 1, 28, 28), f"sample(2): expected shape (2, 1, 28, 28), got {shape}")


@promise()
def fit_works_in_mixed_precision(subject: ModelSubject) -> None:
    """`fit` works with bfloat16 autocast; the model and its results are still float32."""
    model = subject.fit(images=SMALL, precision="bfloat16").model
    wrong = [name for name, tensor in subject.outputs(model).items() if tensor.dtype != torch.float32]
    wrong += [name for name, tensor in model.state_dict().items() if tensor.dtype == torch.bfloat16]
    require(
        not wrong,
        f"{', '.join(wrong[:3])}: expected float32 after a fit in bfloat16; convert with `.float()` outside of autocast",
    )


@promise()
def fit_leaves_its_data_unchanged(subject: ModelSubject) -> None:
    """`fit` does not change its data."""
    require(not subject.fitted.data_changed, "fit changed the images, labels or factors of its data; work on a copy")


@promise()
def fit_leaves_the_process_unchanged(subject: ModelSubject) -> None:
    """`fit` changes no process setting: the random states of NumPy and Python, the flags of torch, the working directory."""
    changed = [name for name in subject.fitted.watched.settings if "random state" not in name]
    changed += [name for name in subject.fitted.watched.settings if name.startswith(("numpy", "python"))]
    require(not changed, f"fit changed {', '.join(changed)}")


@promise()
def fit_writes_no_files(subject: ModelSubject) -> None:
    """`fit` writes no files; saving and loading is up to the host."""
    files = subject.fitted.watched.files
    require(not files, f"fit wrote {', '.join(files)}")


@promise()
def fit_leaves_nothing_running(subject: ModelSubject) -> None:
    """`fit` leaves no thread and no process running."""
    alive = subject.fitted.watched.alive
    require(not alive, f"fit left {', '.join(alive)} running")


@promise()
def state_dict_holds_tensors_only(subject: ModelSubject) -> None:
    """The state dict contains only tensors, so that it can be saved without pickling code."""
    others = [name for name, value in subject.model.state_dict().items() if not isinstance(value, torch.Tensor)]
    require(not others, f"state dict: expected tensors only, got another type for {', '.join(others)}")


@promise()
def shapes_follow_from_config_and_spec(subject: ModelSubject) -> None:
    """The shapes in the state dict depend on config and spec only, not on the number of training images."""
    fresh, fitted = (
        {name: tuple(value.shape) for name, value in model.state_dict().items() if isinstance(value, torch.Tensor)}
        for model in (subject.fresh(), subject.model)
    )
    odd = sorted(fresh.keys() ^ fitted.keys())
    require(not odd, f"state dict: expected the same names before and after fit, got only once: {', '.join(odd)}")
    for name, shape in fitted.items():
        require(fresh[name] == shape, f"{name}: expected shape {fresh[name]} as before fit, got {shape}")


@promise()
def state_dict_is_the_whole_model(subject: ModelSubject) -> None:
    """A new model that loads the saved state dict of a fitted one gives bit-identical images and results (on the CPU)."""
    subject.require_same(
        subject.outputs(subject.reloaded()), subject.outputs(subject.model), "after saving and loading the state dict"
    )


@promise()
def same_seed_gives_same_weights(subject: ModelSubject) -> None:
    """Two fits with the same seed on the same device give bit-identical states (on the CPU)."""
    only_on_cpu(subject)
    subject.require_same(subject.fit().model.state_dict(), subject.model.state_dict(), "two fits with one seed")


@promise()
def an_interrupted_fit_resumes_exactly(subject: ModelSubject) -> None:
    """A fit that is interrupted at any time and resumed gives a bit-identical state (on the CPU)."""
    only_on_cpu(subject)
    batches = subject.fitted.run.seen_batches
    if batches < 2:
        raise Skipped("the whole fit is one batch")
    with tempfile.TemporaryDirectory() as folder:
        for share, checkpoint_every in ((batches // 3, -1.0), (batches // 2, 1e9)):
            try:
                subject.fit(stop_after=max(1, share), folder=Path(folder), checkpoint_every=checkpoint_every)
            except Interrupted:
                continue
            require(False, "fit continued after the run was interrupted; do not catch exceptions of `run.batches`")
        resumed = subject.fit(folder=Path(folder)).model
    subject.require_same(
        resumed.state_dict(),
        subject.model.state_dict(),
        "interrupted twice and resumed",
        hint="; add `keep=[optimizer]` to run.batches, and buffers for other state",
    )


PROMISES = collect(globals())
