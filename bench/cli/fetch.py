"""`bench fetch`: download weights or data sets now, and say where they are."""

import argparse
from typing import TYPE_CHECKING, Any

from bench.cli.arguments import add_command
from bench.cli.console import show
from bench.errors import BenchError, nearest

if TYPE_CHECKING:
    from bench.metrics.features.weights_file import WeightsFile

EXAMPLES = """bench fetch inception
bench fetch fashion-mnist --dry-run"""


def add_parser(commands: Any) -> None:
    text = "download the weights of a feature space, or a data set, and check their digests"
    sub = add_command(commands, "fetch", fetch, text, examples=EXAMPLES)
    sub.add_argument("names", metavar="NAME", nargs="+", help="inception, dinov2, clip, or a data set")
    sub.add_argument("--dry-run", action="store_true", help="print what would be downloaded, and stop")


def fetch(options: argparse.Namespace) -> int:
    from bench.metrics.spaces import weights_files

    files = weights_files()
    for name in options.names:
        known = list(files)
        show(_weights(files[name], options.dry_run) if name in files else _dataset(name, options.dry_run, known))
    return 0


def _weights(weights: "WeightsFile", dry_run: bool) -> list[str]:
    """Raises `BenchError` for weights that cannot be downloaded, or are not the published ones."""
    from bench.data.download import download_to
    from bench.data.files import Published
    from bench.util.paths import tilde

    target, there = weights.path(), weights.path().is_file()
    if dry_run and not there:
        facts = (f"from      {weights.url}", f"to        {tilde(target)}", f"SHA-256   {weights.digest}")
        return [f"{weights.name}: {weights.megabytes:,} MB to download", *facts]
    file = Published(weights.file, (weights.url,), f"sha256:{weights.digest}", weights.megabytes)
    download_to(target, file, f"get {weights.url} and put it at {target}, or set {weights.variable} to its path")
    weights.checked()
    return [f"{weights.name}: {'already in' if there else 'downloaded to'} {tilde(target)}"]


def _dataset(name: str, dry_run: bool, others: list[str]) -> list[str]:
    """Raises `BenchError` for an unknown name, and for files that cannot be had."""
    from bench.experiment.request import DatasetRef
    from bench.registry.plugins import Plugins

    plugins, ref = Plugins(), DatasetRef.parse(name)
    known = [entry.name for entry in plugins.all("datasets")]
    if ref.base not in known:
        raise BenchError(f"nothing to fetch is called {name!r}: {nearest(name, [*others, *known])}")
    ref.require_path()
    source = plugins.find("datasets", ref.base).target(ref.argument)
    if dry_run:
        state = source.state()
        return [f"{name}: {state.state}{f', {state.note}' if state.note else ''}"]
    dataset = source.load()
    counts = ", ".join(f"{len(getattr(dataset, split)):,} {split}" for split in ("train", "validation", "test"))
    return [f"{name}: ready ({counts} images)"]
