"""`bench run`, `bench leaderboard` and `bench evaluate` as functions."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from bench.interactive.board import Board

if TYPE_CHECKING:
    from bench.comparison import Evaluation
    from bench.comparison.image_sets import Source
    from bench.comparison.labels import LabelSource
    from bench.execution.carry_out import Outcome
    from bench.execution.conditions import Conditions
    from bench.execution.given import GivenSamples
    from bench.experiment.request import RunRequest
    from bench.results.record import Record


def run(
    plugins: str | Sequence[str],
    dataset: str = "sprites",
    *,
    split: Literal["test", "validation"] = "test",
    budget: str | None = None,
    seeds: int | Sequence[int] = 0,
    settings: Mapping[str, object] | None = None,
    labels_per_class: int | None = None,
    guide: str | None = None,
    judge: str | None = None,
    device: str = "auto",
    jobs: int | None = None,
    jobs_per_gpu: int | None = None,
    executor: str = "local",
    ray: str | None = None,
    slurm: str | None = None,
    timeout: float | None = None,
    memory: float | None = None,
    disk: float | None = None,
    checkpoint_every: float = 30.0,
    strict_plugins: bool = False,
    runs: str | Path = "runs",
    leaderboards: str | Path | None = None,
    progress: bool = True,
) -> Board:
    """Train methods, evaluate them and update the leaderboard, as `bench run` does, whose options these are.

    plugins: entries to train, or "all". split: what to score on, "validation" to choose settings. seeds: one or several. settings: by "ENTRY.KEY", e.g. {"regene.lr": 1e-3}.
    executor: "local", "ray" or "slurm", with its options in `ray` or `slurm`, e.g. "partition=gpu,time=60". timeout:
    seconds per job. memory, disk: GB per job. leaderboards: by default in the folder `runs`. progress: show progress
    bars, in a notebook too.

    The same call resumes an interrupted run, and finished work is never repeated. A job that fails is a row of the
    result and listed in its `failed`. Raises `BenchError` for a request that cannot be carried out.
    """
    from bench.config import to_text
    from bench.execution.conditions import Conditions
    from bench.experiment.defaults import complete
    from bench.experiment.engine import parse_engine

    request = complete(
        plugins if isinstance(plugins, str) else ",".join(plugins),
        dataset,
        split=split,
        labels=labels_per_class,
        seeds=",".join(map(str, [seeds] if isinstance(seeds, int) else seeds)),
        budget=budget,
        settings=[f"{name}={to_text(value)}" for name, value in (settings or {}).items()],
        guide=guide,
        judge=judge,
        device=device,
        jobs=jobs,
        engine=parse_engine(executor, {"ray": ray, "slurm": slurm}, jobs_per_gpu),
    )
    conditions = Conditions(
        Path(runs), _written(runs, leaderboards), timeout, memory, disk, checkpoint_every, strict=strict_plugins
    )
    return _board(_outcome(request, conditions, progress).records, Path(runs))


def leaderboard(
    dataset: str,
    *,
    others: Sequence[str | Path] = (),
    leaderboards: str | Path | None = None,
    runs: str | Path = "runs",
) -> Board:
    """The leaderboard of a data set, as `bench leaderboard` shows it: that of your runs, or else the published one.

    dataset: its name as given to `bench.run`. others: show the published board together with these, as `--with` does:
    "mine", folders of boards, or CSV files. leaderboards: the folder to look in. runs: where to look for pictures of
    samples. Raises `BenchError` if there is no such board or it cannot be read.
    """
    from argparse import Namespace

    from bench.cli.find_board import find_rows

    folder = None if leaderboards is None else Path(leaderboards)
    asked = Namespace(dataset=dataset, others=list(map(str, others)), leaderboards=folder, runs=Path(runs))
    return _board(find_rows(asked)[2], Path(runs))


def evaluate(
    samples: "Source",
    reference: "Source | None" = None,
    *,
    dataset: str | None = None,
    metrics: Sequence[str] | None = None,
    n: int | None = None,
    size: int | None = None,
    device: str = "auto",
    progress: bool = True,
) -> "Evaluation":
    """The scores of `samples` against `reference` images, or against the training images of a data set.

    `samples` and `reference` are a folder or a zip file of images (class folders do not matter), a .npy or .npz file,
    or an array or tensor of type uint8, (n, h, w), (n, h, w, c) or (n, c, h, w). `dataset` is a name as `bench.run`
    takes it; its test images, as many as there are samples, give the floor of each metric.

    metrics: names from `bench list metrics`, also fd-SPACE and kid-SPACE for dinov2, clip and timm:NAME; by default all that need images only.
    n: score this many of the samples, chosen at random with a fixed seed. size: resize all images to it. progress: show
    a progress bar, in a notebook too.

    Raises `BenchError` for images that cannot be read, are not of one size, or are fewer than needed, and for an unknown
    metric. A metric that cannot be measured has a reason instead of a value.
    """
    import bench.comparison
    from bench.cli.progress import measuring

    with measuring(progress) as report:
        return bench.comparison.evaluate(
            samples, reference, dataset=dataset, metrics=metrics, n=n, size=size, device=device, progress=report
        )


def add_to_board(
    name: str,
    samples: "Source",
    dataset: str,
    *,
    labels: "LabelSource | None" = None,
    budget: str | None = None,
    judge: str | None = None,
    size: int | None = None,
    device: str = "auto",
    runs: str | Path = "runs",
    leaderboards: str | Path | None = None,
    progress: bool = True,
) -> Board:
    """Add external images to the leaderboard of a data set, scored like the samples of a method.

    name: of their row. samples, dataset, size: as for `evaluate`. labels: the class of each image by name or by number
    from 0, in an array, a list or a file. budget: decides how many images are scored, chosen at random with a fixed
    seed, and how long the judge is trained.

    Raises `BenchError` for images that are too few or not in the format of the data set, and for a name of a method.
    """
    from bench.execution.conditions import Conditions
    from bench.execution.given import read_given
    from bench.experiment.defaults import complete

    request = complete(
        "", dataset, labels=None, seeds="0", budget=budget, settings=(), guide=None, judge=judge, device=device, jobs=None
    )  # fmt: skip
    given = read_given(name, samples, labels, size, request)
    conditions = Conditions(Path(runs), _written(runs, leaderboards))
    return _board(_outcome(given.requested(request), conditions, progress, given).records, Path(runs))


def _written(runs: str | Path, leaderboards: str | Path | None) -> Path:
    from bench.boards.folders import own_boards

    return own_boards(Path(runs)) if leaderboards is None else Path(leaderboards)


def _outcome(
    request: "RunRequest", conditions: "Conditions", progress: bool, given: "GivenSamples | None" = None
) -> "Outcome":
    from bench.cli.jobs_left import Jobs
    from bench.cli.progress import display
    from bench.execution.carry_out import carry_out, find_finished, prepare
    from bench.execution.worker_server import worker_server

    finished = find_finished(request, conditions)
    if finished is not None:
        return finished
    with worker_server():
        plan = prepare(request, conditions)
        with display(Jobs(request.jobs), progress) as shown:
            return carry_out(plan, conditions, shown, given)


def _board(records: Sequence["Record"], runs: Path) -> Board:
    from bench.cli.show_board import sample_sheets

    return Board(tuple(records), sample_sheets(runs, list(records)))
