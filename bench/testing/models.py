"""The promises of every model, generators and classifiers."""

import tempfile
from pathlib import Path

import torch

from bench import config
from bench.api import Generator
from bench.errors import BenchError
from bench.registry.sources import file_of_package
from bench.registry.tuning import FILE, read_tuning
from bench.testing.another_process import require_same_elsewhere
from bench.testing.data import tiny_spec
from bench.testing.promise import Skipped, collect, promise, require
from bench.testing.subject import BUDGET, FORMATS, ModelSubject, only_on_cpu
from bench.testing.watch import Interrupted

SMALL = 64  # training images of a fit that only has to run: one batch per phase


@promise(
    "M01",
    why="`--set entry.setting=value` must work for every setting",
    remedy="make `Config` a frozen dataclass whose fields have defaults and a type that text can give",
)
def settings_have_defaults_and_are_read_from_text(subject: ModelSubject) -> None:
    """`Config` is a frozen dataclass; every field has a default and can be read from text."""
    try:
        config.check_config(subject.target.Config)
    except BenchError as error:
        require(False, str(error))


@promise(
    "M02",
    why="the host rebuilds a model from these two before it loads its state",
    remedy="take the number of channels, the size and the classes from `spec`, or say in `not_for` which images the model is not for",
)
def is_built_from_config_and_spec_alone(subject: ModelSubject) -> None:
    """`cls(Config(), spec)` works for grayscale and for colour images, at 28 and at 32 pixels, unless `not_for` has a reason."""
    formats = [tiny_spec(channels, size) for channels in (1, 3) for size in (28, 32)]
    for spec in [subject.dataset.spec, *formats]:
        if not subject.limit(spec):
            subject.fresh(spec)


@promise(
    "M03",
    why="the host counts training images, checkpoints and resumes by the batches of the run",
    remedy="loop over `run.batches(data, batch_size, run.images)`",
)
def fit_trains_on_batches_of_the_run(subject: ModelSubject) -> None:
    """`fit(data, run)` trains on batches from `run.batches`, at least one, unless a classifier is `pretrained`."""
    if isinstance(subject.attempt, BaseException):
        raise subject.attempt
    if subject.pretrained:
        return
    require(subject.attempt.run.seen_batches > 0, "fit: expected at least one batch from run.batches, got none")


@promise(
    "M04",
    why="methods are compared after the same number of training images",
    remedy="split `run.images` among the phases with `run.share(fraction)` or `run.left`",
)
def fit_stays_within_its_budget(subject: ModelSubject) -> None:
    """`fit` sees at most `run.images` training images in all phases together (a phase has at least one batch)."""
    run = subject.fitted.run
    most = BUDGET + 2 * run.largest_batch
    require(
        run.seen_images <= most,
        f"fit: expected at most {BUDGET} training images, got {run.seen_images}",
    )


@promise(
    "M05",
    why="the host ends a training that diverges, and draws its curve",
    remedy="call `run.log(loss=loss)` for each batch",
)
def fit_logs_a_loss(subject: ModelSubject) -> None:
    """`fit` logs a scalar with `run.log`, so that divergence is detected, unless a classifier is `pretrained`."""
    require(subject.pretrained or bool(subject.fitted.run.logged), "fit: expected a scalar in run.log, got none")


@promise(
    "M06",
    why="most small data sets are grayscale and of other sizes",
    remedy="take the number of channels and the size from `spec`, or say in `not_for` which images the model is not for",
)
def fit_works_on_grayscale_images(subject: ModelSubject) -> None:
    """`fit` also works on fewer, grayscale images of 28 pixels, unless `not_for` has a reason."""
    model = subject.fit(subject.tiny_dataset(channels=1, size=28, train=51), images=SMALL).model
    if isinstance(model, Generator):
        shape = tuple(model.sample(2, subject.rng()).shape)
        require(shape == (2, 1, 28, 28), f"sample(2): expected shape (2, 1, 28, 28), got {shape}")


@promise(
    "M07",
    why="the host asks for bfloat16 where it is fast",
    remedy="wrap the networks in `run.autocast()` and convert with `.float()` outside of it",
)
def fit_works_in_mixed_precision(subject: ModelSubject) -> None:
    """`fit` works with bfloat16 autocast; the model and its results are still float32."""
    model = subject.fit(images=SMALL, precision="bfloat16").model
    wrong = [name for name, tensor in subject.outputs(model).items() if tensor.dtype != torch.float32]
    wrong += [name for name, tensor in model.state_dict().items() if tensor.dtype == torch.bfloat16]
    require(
        not wrong,
        f"{', '.join(wrong[:3])}: expected float32 after a fit in bfloat16; convert with `.float()` outside of autocast",
    )


@promise(
    "M08",
    why="the data are shared with the evaluation",
    remedy="work on a copy: `images.clone()`",
)
def fit_leaves_its_data_unchanged(subject: ModelSubject) -> None:
    """`fit` does not change its data."""
    require(not subject.fitted.data_changed, "fit changed the images, labels or factors of its data")


@promise(
    "M09",
    why="what a fit changes would change the numbers of the evaluation that follows",
    remedy="draw from `run.rng`, and put back every setting that the fit changes",
)
def fit_leaves_the_process_unchanged(subject: ModelSubject) -> None:
    """`fit` changes no process setting: the random states of NumPy and Python, the flags of torch, the working directory."""
    changed = [name for name in subject.fitted.watched.settings if "random state" not in name]
    changed += [name for name in subject.fitted.watched.settings if name.startswith(("numpy", "python"))]
    require(not changed, f"fit changed {', '.join(changed)}")


@promise(
    "M10",
    why="a run has to resume from what the host saved alone",
    remedy="keep state in parameters and buffers; the host saves them",
)
def fit_writes_no_files(subject: ModelSubject) -> None:
    """`fit` writes no files; saving and loading is up to the host."""
    files = subject.fitted.watched.files
    require(not files, f"fit wrote {', '.join(files)}")


@promise(
    "M11",
    why="what still runs would disturb the time and the memory that are measured next",
    remedy="join threads and end processes before `fit` returns",
)
def fit_leaves_nothing_running(subject: ModelSubject) -> None:
    """`fit` leaves no thread and no process running."""
    alive = subject.fitted.watched.alive
    require(not alive, f"fit left {', '.join(alive)} running")


@promise(
    "M12",
    why="loading a pickle could run code",
    remedy="register tensors as buffers, and derive everything else from `config` and `spec`",
)
def state_dict_holds_tensors_only(subject: ModelSubject) -> None:
    """The state dict contains only tensors, so that it can be saved without pickling code."""
    others = [name for name, value in subject.model.state_dict().items() if not isinstance(value, torch.Tensor)]
    require(not others, f"state dict: expected tensors only, got another type for {', '.join(others)}")


@promise(
    "M13",
    why="the host rebuilds the model before it loads the state",
    remedy="create every parameter and buffer in `__init__` with its final shape",
)
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


@promise(
    "M14",
    why="a finished training is evaluated later from its saved state",
    remedy="register whatever `fit` learns as a parameter or a buffer",
)
def state_dict_is_the_whole_model(subject: ModelSubject) -> None:
    """A new model that loads the saved state dict of a fitted one gives bit-identical images and results (on the CPU)."""
    subject.require_same(
        subject.outputs(subject.reloaded()), subject.outputs(subject.model), "after saving and loading the state dict"
    )


@promise(
    "M15",
    why="a row must be reproducible from its seed",
    remedy="draw from `run.rng` or torch's global generator, and avoid operations that are not deterministic",
)
def same_seed_gives_same_weights(subject: ModelSubject) -> None:
    """Two fits with the same seed on the same device give bit-identical states (on the CPU)."""
    only_on_cpu(subject)
    subject.require_same(subject.fit().model.state_dict(), subject.model.state_dict(), "two fits with one seed")


@promise(
    "M16",
    why="long trainings are interrupted, and must end with the same numbers",
    remedy="pass optimizers and schedules with `keep=[...]` to `run.batches`, and hold other state in buffers",
)
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


@promise(
    "M17",
    why="a method that is skipped everywhere has no row on any board",
    remedy="return from `not_for(config, spec)` a reason for the images that the model cannot have, and '' for others",
)
def limits_leave_images_to_train_on(subject: ModelSubject) -> None:
    """`not_for` gives a reason or '', the same each time, and '' for images of some number of channels and some size."""
    reasons = {format: subject.limit(tiny_spec(*format)) for format in FORMATS}
    for format, reason in reasons.items():
        require(subject.limit(tiny_spec(*format)) == reason, f"not_for: expected {reason!r} again, got another reason")
    if subject.pretrained and all(reasons.values()):
        raise Skipped(f"its weights are for other images than those of these tests: {reasons[FORMATS[0]]}")
    require(
        not all(reasons.values()), f"not_for: expected '' for some images, got {reasons[FORMATS[0]]!r} for all formats"
    )


@promise(
    "M18",
    why="a row must be reproducible on another day",
    remedy="do not use the order of sets, `hash`, the time, or the number of the process in `__init__` and `fit`",
)
def another_process_gives_the_same_model(subject: ModelSubject) -> None:
    """Another process gives a bit-identical state and bit-identical results for the same seed (on the CPU)."""
    only_on_cpu(subject)
    require_same_elsewhere(subject)


@promise(
    "M19",
    why="boards show how the settings of a method were chosen",
    remedy="give each entry a table in `tuning.toml`: trials, metric, data, note",
)
def tuning_file_can_be_read(subject: ModelSubject) -> None:
    """A file `tuning.toml` in the package of the plugin, if there is one, has a valid table for each entry in it."""
    path = file_of_package(subject.target.__module__, FILE)
    try:
        if path:
            read_tuning(path)
    except BenchError as error:
        require(False, str(error))


PROMISES = collect(globals())
