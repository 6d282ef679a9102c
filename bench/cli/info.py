"""`bench info ENTRY`: source, settings, abilities and cost of one method, classifier, data set or metric."""

import argparse
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

from bench.cli.arguments import add_command, add_folders
from bench.cli.console import show, terminal_width
from bench.cli.find_board import readable
from bench.cli.settings import settings_of
from bench.errors import BenchError, nearest
from bench.util.columns import columns, fold
from bench.util.text import one_line

if TYPE_CHECKING:
    from bench.metrics.metric import Metric
    from bench.registry.plugins import Entry, Plugins

EXAMPLES = """bench info regene
bench info fd-lite0"""
ORDER = ("kind", "about", "source", "plugin", "distribution", "capabilities", "state", "note", "readme", "better",
         "unit", "needs", "brought_by", "cost", "tuning")  # fmt: skip


def add_parser(commands: Any) -> None:
    text = "show the source, settings, abilities and cost of an entry"
    sub = add_command(commands, "info", info, text, as_json=True, examples=EXAMPLES)
    sub.add_argument("name", metavar="ENTRY", help="a method, classifier, data set or metric")
    add_folders(sub)


def info(options: argparse.Namespace) -> int:
    found = describe(options.name, readable(options))
    if options.json:
        print(json.dumps(found, indent=1))
    else:
        show(info_lines(found, terminal_width()))
    return 0


def describe(name: str, boards: Sequence[Path]) -> list[dict[str, Any]]:
    """Everything of that name. Raises `BenchError` for an unknown name, with the nearest one."""
    from bench.metrics import METRICS
    from bench.registry.plugins import BrokenPlugin, Plugins

    plugins = Plugins()
    plugins.load_all()
    entries = [entry for kind in plugins.entries.values() for entry in kind.values() if entry.name == name]
    found = [_entry(entry, boards) for entry in entries if entry.kind != "metrics"]
    metrics = [*METRICS, *brought_metrics(plugins.entries["metrics"].values())]
    found += [_metric(metric) for metric in metrics if metric.name == name]
    if not found:
        for broken in plugins.broken:
            if broken.plugin == name:
                raise BrokenPlugin(broken)
        hint = nearest(name, _names(plugins, METRICS))
        raise BenchError(f"unknown entry {name!r}: {hint if hint.startswith('did') else 'see bench list'}")
    return found


def info_lines(found: list[dict[str, Any]], width: int | None) -> list[str]:
    """For people: facts, and a table of settings."""
    lines = []
    for about in found:
        facts = [(key, _text(about[key])) for key in ORDER if about.get(key)]
        lines += ["", one_line(about["name"]), *columns(facts, width, indent=2)]
        if about.get("settings"):
            lines += ["", f"settings (change one with --set {about['name']}.NAME=VALUE)"]
            for row in about["settings"]:
                lines += fold(f"  {row['name']}: {row['type']} = {row['default']}", width, "    ")
                lines += (
                    ["      " + line for line in fold(row["meaning"], width and width - 6)] if row["meaning"] else []
                )
    return lines[1:]


def _entry(entry: "Entry", boards: Sequence[Path]) -> dict[str, Any]:
    from bench.api import capabilities
    from bench.registry.tuning import find_tuning

    about: dict[str, Any] = {"name": entry.name, "kind": entry.kind.removesuffix("s"), "source": entry.target.source,
                             "plugin": entry.plugin, "distribution": f"{entry.distribution} {entry.version}",
                             "readme": _readme(entry)}  # fmt: skip
    if entry.kind == "datasets":
        state = entry.target().state()
        return about | {"state": state.state, "note": state.note}
    if entry.kind == "generators":
        about |= {"capabilities": list(capabilities(entry.target)), "cost": _cost(entry.name, boards)}
        about |= {"tuning": str(find_tuning(entry.module, entry.name) or "not stated")}
    return about | {"settings": settings_of(entry.target.Config)}


def _metric(metric: "Metric") -> dict[str, Any]:
    return {"name": metric.name, "kind": "metric", "about": metric.about, "better": metric.better or "neither",
            "unit": metric.unit, "needs": list(metric.needs), "version": metric.version,
            "brought_by": metric.brought_by}  # fmt: skip


def brought_metrics(entries: "Iterable[Entry]") -> "list[Metric]":
    """The metrics that third parties bring."""
    from bench.metrics.brought import describe, metric_of

    return [metric_of(describe(one.target, one.name, one.distribution, one.digest)) for one in entries]


def _readme(entry: "Entry") -> str:
    """The README in the folder of the plugin's package, or above it in a checkout; empty if there is none."""
    import inspect

    folder = Path(inspect.getfile(entry.target)).parent
    found = [path for path in (folder / "README.md", folder.parent / "README.md") if path.is_file()]
    return str(found[0]) if found and not entry.target.__module__.startswith("bench.") else ""


def _cost(name: str, folders: Sequence[Path]) -> list[str]:
    """Seconds and speed of training, by board and device, from the boards in `folders`."""
    from bench.boards import board_path, boards, read

    costs: dict[tuple[str, str, str], dict[str, list[float]]] = {}
    paths = [board_path(folder, dataset) for folder in folders for dataset in boards(folder)]
    for path in paths:
        for record in read(path):
            if record.entry == name and not record.settings and record.value is not None:
                place = (record.dataset, record.budget, record.device)
                costs.setdefault(place, {}).setdefault(record.metric, []).append(record.value)
    return [
        f"{dataset}, {budget}: {fmean(values['train-seconds']):.0f} s of training"
        f" ({fmean(values['images-per-second']):,.0f} images/s) on {device}"
        for (dataset, budget, device), values in sorted(costs.items())
        if {"train-seconds", "images-per-second"} <= values.keys()
    ] or ["unknown: no leaderboard has a result"]


def _names(plugins: "Plugins", metrics: "tuple[Metric, ...]") -> list[str]:
    return [name for kind in plugins.entries.values() for name in kind] + [metric.name for metric in metrics]


def _text(value: Any) -> str:
    return one_line("; ".join(value) if isinstance(value, list) else str(value))
