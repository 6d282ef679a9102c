"""What every model promises, generators and classifiers alike."""

import tempfile
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import torch

from bench import config
from bench.api import Generator, Spec
from bench.testing.data import CLASSES, FACTORS, tiny_dataset
from bench.testing.promise import Skipped, collect, promise, require
from bench.testing.subject import BUDGET, ModelSubject, only_on_cpu
from bench.testing.watch import Interrupted

SMALL = 64  # training images of a fit that only has to run: one batch of each phase


@promise()
def settings_have_defaults_and_are_read_from_text(subject: ModelSubject) -> None:
    """`Config` is a frozen dataclass; every field has a default and is read back from its text."""
    cls: Any = subject.target.Config
    require(is_dataclass(cls), f"Config is {cls!r}, wanted a dataclass")
    require(cls.__dataclass_params__.frozen, f"{cls.__name__} is not frozen")
    default = cls()
    texts = {field.name: _text(getattr(default, field.name)) for field in fields(cls) if field.init}
    for name, text in texts.items():
        value = getattr(config.build(cls, {name: text}, "Config"), name)
        require(value == getattr(default, name), f"{name}={text} is read back as {value!r}")


@promise()
def is_built_from_config_and_spec_alone(subject: ModelSubject) -> None:
    """`cls(Config(), spec)` is all it takes, for grey and for colour images, at 28 and at 32 pixels."""
    for channels in (1, 3):
        for size in (28, 32):
            subject.fresh(Spec("tiny", channels, size, CLASSES, FACTORS))


@promise()
def fit_trains_on_batches_of_the_run(subject: ModelSubject) -> None:
    """`fit(data, run)` takes its training images from `run.batches`, at least one batch."""
    if isinstance(subject.attempt, BaseException):
        raise subject.attempt
    require(subject.attempt.run.seen_batches > 0, "fit took no batch from run.batches")


@promise()
def fit_stays_within_its_budget(subject: ModelSubject) -> None:
    """`fit` sees no more training images than `run.images`, all phases together (a phase may be one whole batch)."""
    run = subject.fitted.run
    most = BUDGET + 2 * run.largest_batch
    require(run.seen_images <= most, f"fit saw {run.seen_images} training images, the budget was {BUDGET}")


@promise()
def fit_logs_a_loss(subject: ModelSubject) -> None:
    """`fit` logs a scalar through `run.log`, so that a training that diverges is seen."""
    require(bool(subject.fitted.run.logged), "fit logged nothing")


@promise()
def fit_works_on_grey_images(subject: ModelSubject) -> None:
    """`fit` works on other images too: grey, at 28 pixels, and fewer of them."""
    model = subject.fit(tiny_dataset(channels=1, size=28, train=51), images=SMALL).model
    if isinstance(model, Generator):
        shape = tuple(model.sample(2, subject.rng()).shape)
        require(shape == (2, 1, 28, 28), f"sample(2) gave shape {shape}, wanted (2, 1, 28, 28)")


@promise()
def fit_works_in_mixed_precision(subject: ModelSubject) -> None:
    """`fit` works where the host asks for bfloat16, and what it makes is float32 all the same."""
    model = subject.fit(images=SMALL, precision="bfloat16").model
    wrong = [name for name, tensor in subject.outputs(model).items() if tensor.dtype != torch.float32]
    wrong += [name for name, tensor in model.state_dict().items() if tensor.dtype == torch.bfloat16]
    require(not wrong, f"{', '.join(wrong[:3])}: not float32 after a fit in bfloat16")


@promise()
def fit_leaves_its_data_unchanged(subject: ModelSubject) -> None:
    """`fit` leaves the data it was given unchanged."""
    require(not subject.fitted.data_changed, "the images, labels or factors are others after fit")


@promise()
def fit_leaves_the_process_unchanged(subject: ModelSubject) -> None:
    """`fit` leaves the settings of the process alone: numpy's and Python's random state, torch's flags, the folder."""
    changed = [name for name in subject.fitted.watched.settings if "random state" not in name]
    changed += [name for name in subject.fitted.watched.settings if name.startswith(("numpy", "python"))]
    require(not changed, f"fit changed {', '.join(changed)}")


@promise()
def fit_writes_no_files(subject: ModelSubject) -> None:
    """`fit` writes no files: the host saves and loads."""
    files = subject.fitted.watched.files
    require(not files, f"fit wrote {', '.join(files)}")


@promise()
def fit_leaves_nothing_running(subject: ModelSubject) -> None:
    """`fit` leaves no thread and no process behind."""
    alive = subject.fitted.watched.alive
    require(not alive, f"fit left {', '.join(alive)} behind")


@promise()
def state_dict_holds_tensors_only(subject: ModelSubject) -> None:
    """The state dict holds tensors and nothing else, so that it can be saved without code."""
    others = [name for name, value in subject.model.state_dict().items() if not isinstance(value, torch.Tensor)]
    require(not others, f"{', '.join(others)} in the state dict: no tensor")


@promise()
def shapes_follow_from_config_and_spec(subject: ModelSubject) -> None:
    """The shapes in the state dict follow from config and spec alone, not from how many images there were."""
    fresh, fitted = (
        {name: tuple(value.shape) for name, value in model.state_dict().items() if isinstance(value, torch.Tensor)}
        for model in (subject.fresh(), subject.model)
    )
    odd = sorted(fresh.keys() ^ fitted.keys())
    require(not odd, f"{', '.join(odd)}: in the state dict only before or only after fit")
    for name, shape in fitted.items():
        require(fresh[name] == shape, f"{name} has shape {fresh[name]} before fit and {shape} after")


@promise()
def state_dict_is_the_whole_model(subject: ModelSubject) -> None:
    """A fresh model that loads the saved state dict of a fitted one gives the same images and answers, to the bit (on the
    CPU)."""
    subject.require_same(
        subject.outputs(subject.reloaded()), subject.outputs(subject.model), "after saving and loading"
    )


@promise()
def same_seed_gives_same_weights(subject: ModelSubject) -> None:
    """Two fits from the same seed on the same device end with the same state, to the bit (on the CPU)."""
    only_on_cpu(subject)
    subject.require_same(subject.fit().model.state_dict(), subject.model.state_dict(), "two fits from one seed")


@promise()
def an_interrupted_fit_goes_on_to_the_bit(subject: ModelSubject) -> None:
    """A fit that is interrupted, whenever it is, and starts again ends with the same state, to the bit (on the CPU)."""
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
            require(False, "fit went on although the run had ended")
        resumed = subject.fit(folder=Path(folder)).model
    subject.require_same(resumed.state_dict(), subject.model.state_dict(), "interrupted twice and resumed")


def _text(value: Any) -> str:
    """A setting as it is written behind --set."""
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


PROMISES = collect(globals())
