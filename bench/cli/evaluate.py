"""`bench evaluate`: score external images, against other images or a data set."""

import argparse
from typing import Any

from bench.cli.arguments import WRITTEN, add_command, add_folders, positive
from bench.cli.console import terminal_width
from bench.cli.find_board import written
from bench.errors import BenchError
from bench.util.text import items

EXAMPLES = """bench evaluate my-samples/ real-images/
bench evaluate samples.npz --dataset fashion-mnist
bench evaluate a.zip b.zip --metrics fd-lite0,kid-lite0 --json
bench evaluate samples.npz --dataset fashion-mnist --name my-model --labels classes.txt"""


def add_parser(commands: Any) -> None:
    text = "score external images, against other images or a data set"
    sub = add_command(commands, "evaluate", evaluate, text, as_json=True, examples=EXAMPLES)
    kinds = "a folder or zip file of images, or a .npy or .npz file of uint8"
    sub.add_argument("samples", metavar="SAMPLES", help=kinds)
    sub.add_argument("reference", metavar="REFERENCE", nargs="?", help="what they are compared with, likewise")
    sub.add_argument("--dataset", metavar="NAME", help="compare with the training images of a data set instead")
    sub.add_argument("--metrics", metavar="NAMES", help="separated by commas (default: all that need images only)")
    sub.add_argument("--n", type=positive, metavar="N", help="score N of the samples, chosen at random")
    sub.add_argument("--size", type=positive, metavar="PIXELS", help="resize all images to this side")
    sub.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:i (default: auto)")
    _row(sub.add_argument_group("a row on the leaderboard of --dataset"))


def _row(group: Any) -> None:
    add = group.add_argument
    add("--name", metavar="NAME", help="add the samples to the board under this name, scored like those of a method")
    add("--labels", metavar="FILE", help="the class of each sample, one a line or in a .npy file")
    add("--budget", metavar="NAME", help="how many samples are scored, and by which judge (default: as bench run)")
    add("--judge", metavar="NAME", help="the classifier that scores them")
    add("--all", action="store_true", help="show all metrics and costs, not the headline metrics only")
    add_folders(group, WRITTEN)


def evaluate(options: argparse.Namespace) -> int:
    _check(options)
    return _add_row(options) if options.name is not None else _score(options)


def _check(options: argparse.Namespace) -> None:
    """Raise `BenchError` for options that do not go together."""
    for_row = [name for name in ("labels", "budget", "judge") if getattr(options, name) is not None]
    if options.name is None and for_row:
        raise BenchError(f"--{for_row[0]}: expected --name NAME with it, which adds the samples to a board")
    if options.name is None:
        return
    if options.dataset is None or options.reference is not None:
        raise BenchError(
            "--name: expected --dataset NAME, the board to add the samples to, and no second set of images"
        )
    if options.metrics is not None or options.n is not None:
        raise BenchError("--name: the board decides which metrics are measured, and the budget on how many samples")


def _score(options: argparse.Namespace) -> int:
    import bench.comparison
    from bench.cli.progress import measuring

    names = None if options.metrics is None else items(options.metrics)
    with measuring() as report:
        found = bench.comparison.evaluate(
            options.samples, options.reference, dataset=options.dataset, metrics=names, n=options.n,
            size=options.size, device=options.device, progress=report,
        )  # fmt: skip
    print(found.to_json() if options.json else found.table(terminal_width()))
    return 0 if found.measured else 1


def _add_row(options: argparse.Namespace) -> int:
    from bench.cli.run import carried_out
    from bench.execution.conditions import Conditions
    from bench.execution.given import read_given
    from bench.experiment.defaults import complete

    request = complete(
        "", options.dataset, labels=None, seeds="0", budget=options.budget, settings=(), guide=None,
        judge=options.judge, device=options.device, jobs=None,
    )  # fmt: skip
    given = read_given(options.name, options.samples, options.labels, options.size, request)
    return carried_out(options, given.requested(request), Conditions(options.runs, written(options)), given)
