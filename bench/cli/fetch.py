"""`bench fetch`: download weights or data sets now, and say where they are."""

import argparse
from typing import Any

from bench.cli.arguments import add_command
from bench.cli.console import show
from bench.errors import BenchError, nearest

EXAMPLES = """bench fetch inception
bench fetch fashion-mnist --dry-run"""
WEIGHTS = "inception"


def add_parser(commands: Any) -> None:
    text = "download the weights of the published FID, or a data set, and check their digests"
    sub = add_command(commands, "fetch", fetch, text, examples=EXAMPLES)
    sub.add_argument("names", metavar="NAME", nargs="+", help="inception, or a data set")
    sub.add_argument("--dry-run", action="store_true", help="print what would be downloaded, and stop")


def fetch(options: argparse.Namespace) -> int:
    for name in options.names:
        lines = _weights(options.dry_run) if name == WEIGHTS else _dataset(name, options.dry_run)
        show(lines)
    return 0


def _weights(dry_run: bool) -> list[str]:
    """Raises `BenchError` for weights that cannot be downloaded, or are not the published ones."""
    from bench.data.download import download_to
    from bench.data.files import Published
    from bench.metrics.features import inception
    from bench.util.paths import tilde

    target, there = inception.weights_path(), inception.weights_path().is_file()
    if dry_run and not there:
        facts = (f"from      {inception.URL}", f"to        {tilde(target)}", f"SHA-256   {inception.DIGEST}")
        return [f"{WEIGHTS}: {inception.MEGABYTES} MB to download", *facts]
    file = Published(inception.FILE, (inception.URL,), f"sha256:{inception.DIGEST}", inception.MEGABYTES)
    download_to(target, file, f"get {inception.URL} and put it at {target}, or set BENCH_INCEPTION to its path")
    inception.check_weights(target)
    return [f"{WEIGHTS}: {'already in' if there else 'downloaded to'} {tilde(target)}"]


def _dataset(name: str, dry_run: bool) -> list[str]:
    """Raises `BenchError` for an unknown name, and for files that cannot be had."""
    from bench.experiment.request import DatasetRef
    from bench.registry.plugins import Plugins

    plugins, ref = Plugins(), DatasetRef.parse(name)
    known = [entry.name for entry in plugins.all("datasets")]
    if ref.base not in known:
        raise BenchError(f"nothing to fetch is called {name!r}: {nearest(name, [WEIGHTS, *known])}")
    ref.require_path()
    source = plugins.find("datasets", ref.base).target(ref.argument)
    if dry_run:
        state = source.state()
        return [f"{name}: {state.state}{f', {state.note}' if state.note else ''}"]
    dataset = source.load()
    counts = ", ".join(f"{len(getattr(dataset, split)):,} {split}" for split in ("train", "validation", "test"))
    return [f"{name}: ready ({counts} images)"]
