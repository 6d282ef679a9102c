"""`bench evaluate`: score images from elsewhere, against other images or a data set."""

import argparse
from typing import Any

from bench.cli.arguments import add_command, positive
from bench.cli.console import console, terminal_width

EXAMPLES = """bench evaluate my-samples/ real-images/
bench evaluate samples.npz --dataset fashion-mnist
bench evaluate a.zip b.zip --metrics fd-lite0,kid-lite0 --json"""


def add_parser(commands: Any) -> None:
    text = "score images from elsewhere, against other images or a data set"
    sub = add_command(commands, "evaluate", evaluate, text, as_json=True, examples=EXAMPLES)
    kinds = "a folder or zip file of images, or a .npy or .npz file of uint8"
    sub.add_argument("samples", metavar="SAMPLES", help=kinds)
    sub.add_argument("reference", metavar="REFERENCE", nargs="?", help="what they are compared with, likewise")
    sub.add_argument("--dataset", metavar="NAME", help="compare with the training images of a data set instead")
    sub.add_argument("--metrics", metavar="NAMES", help="separated by commas (default: all that need images only)")
    sub.add_argument("--n", type=positive, metavar="N", help="score N of the samples, chosen at random")
    sub.add_argument("--size", type=positive, metavar="PIXELS", help="resize all images to this side")
    sub.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:i (default: auto)")


def evaluate(options: argparse.Namespace) -> int:
    from rich.progress import Progress

    import bench.comparison

    names = None if options.metrics is None else [name.strip() for name in options.metrics.split(",") if name.strip()]
    screen = console(stderr=True)
    with Progress(console=screen, transient=True, disable=not screen.is_terminal) as bars:
        task = bars.add_task("reading images", total=None)

        def told(metric: str, done: int, of: int) -> None:
            bars.update(task, description=f"measuring {metric}", completed=done, total=of)

        found = bench.comparison.evaluate(
            options.samples, options.reference, dataset=options.dataset, metrics=names, n=options.n,
            size=options.size, device=options.device, progress=told,
        )  # fmt: skip
    print(found.to_json() if options.json else found.table(terminal_width()))
    return 0 if found.measured else 1
