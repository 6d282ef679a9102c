"""`bench list`: everything that is installed."""

import argparse
import json
from contextlib import suppress
from typing import Any

from bench.cli.arguments import add_command
from bench.cli.console import show, terminal_width
from bench.errors import BenchError, nearest
from bench.util.columns import columns
from bench.util.text import one_line

Rows = list[dict[str, Any]]
STATES = "ready", "download", "missing"  # of data sets, in the order of the overview
KINDS = {
    "methods": "generators",
    "classifiers": "classifiers",
    "datasets": "datasets",
    "metrics": "metrics",
    "spaces": "feature_spaces",
    "oracles": "oracles",
    "plugins": "plugins",
}
EXAMPLES = """bench list
bench list metrics"""


def add_parser(commands: Any) -> None:
    text = "list the installed methods, classifiers, data sets and metrics"
    sub = add_command(commands, "list", list_, text, as_json=True, examples=EXAMPLES)
    sub.add_argument("kind", nargs="?", metavar="KIND", help=f"list one kind in full: {', '.join(KINDS)}")


def list_(options: argparse.Namespace) -> int:
    if options.kind is not None and options.kind not in KINDS:
        raise BenchError(f"unknown kind {options.kind!r}: {nearest(options.kind, KINDS)}")
    found = inventory()
    if options.json:
        kept = found if options.kind is None else {KINDS[options.kind]: found[KINDS[options.kind]]}
        print(json.dumps(kept, indent=1))
        return 0
    width = terminal_width()
    lines = overview(found, width) if options.kind is None else in_full(options.kind, found, width)
    show(
        [*lines, *broken_lines(found["broken"], width)], {r"^broken plugins.*": "bold red", r"^[a-z]+ \(\d+\)": "bold"}
    )
    return 0


def overview(found: dict[str, Rows], width: int | None) -> list[str]:
    """Methods with one line each, classifiers by source and data sets by state; how many there are of the rest."""
    methods = [(row["name"], ", ".join(row["capabilities"]) or "samples only") for row in found["generators"]]
    lines = [f"methods ({len(methods)})", *columns(methods, width, indent=2), ""]
    for kind in ("classifiers", "datasets"):
        rows = found[KINDS[kind]]
        lines += [f"{kind} ({len(rows)})", *columns(_grouped(kind, rows), width, indent=2), ""]
    rest = ", ".join(f"{len(found[KINDS[kind]])} {kind}" for kind in ("metrics", "spaces", "oracles", "plugins"))
    return [*lines, f"{rest}: bench list KIND, bench info NAME"]


def in_full(kind: str, found: dict[str, Rows], width: int | None) -> list[str]:
    """Every row of one kind: its name, and below it all that is known."""
    rows = found[KINDS[kind]]
    lines = [f"{kind} ({len(rows)})"]
    for row in rows:
        facts = [(key.replace("_", " "), _text(value)) for key, value in row.items() if key != "name" and value]
        lines += ["", f"  {one_line(row['name'])}", *columns(facts, width, indent=4)]
    return lines


def broken_lines(broken: Rows, width: int | None) -> list[str]:
    """The plugins that cannot be used, each with its reason."""
    cells = [(f"{row['plugin']} ({row['distribution']})", one_line(row["reason"])) for row in broken]
    return ["", f"broken plugins ({len(broken)})", *columns(cells, width, indent=2)] if broken else []


def _grouped(kind: str, rows: Rows) -> list[tuple[str, str]]:
    """The state of data sets or the source of classifiers, and the names of all that share it."""
    groups: dict[str, list[str]] = {}
    for row in rows:
        shared = row["state"] if kind == "datasets" else one_line(row["source"]).split(";")[0].split(" (")[0]
        groups.setdefault(shared, []).append(row["name"])
    order = {state: place for place, state in enumerate(STATES)}
    return [(it, "  ".join(groups[it])) for it in sorted(groups, key=lambda it: order.get(it, 0))]


def _text(value: Any) -> str:
    return one_line(", ".join(value) if isinstance(value, list) else str(value))


def inventory() -> dict[str, list[dict[str, Any]]]:
    """Plain rows by kind: plugins, broken, generators, classifiers, datasets, metrics, feature_spaces, oracles."""
    from bench.cli.info import brought_metrics
    from bench.metrics import METRICS, space_states
    from bench.registry.plugins import KINDS, Plugins

    plugins = Plugins()
    entries = {kind: plugins.all(kind) for kind in KINDS}
    rows: dict[str, dict[str, Any]] = {}
    for kind, found in entries.items():
        for entry in found:
            row = rows.setdefault(entry.plugin, {"name": entry.plugin, "distribution": entry.distribution,
                                                 "version": entry.version, "hooks": []})  # fmt: skip
            if f"bench_{kind}" not in row["hooks"]:
                row["hooks"].append(f"bench_{kind}")
    return {
        "plugins": [rows[name] for name in sorted(rows)],
        "broken": [vars(broken) for broken in plugins.broken],
        "generators": [_model(entry) for entry in entries["generators"]],
        "classifiers": [_model(entry) for entry in entries["classifiers"]],
        "datasets": [_dataset(entry) for entry in entries["datasets"]],
        "metrics": [
            {"name": metric.name, "better": metric.better, "unit": metric.unit, "needs": list(metric.needs),
             "about": metric.about, "version": metric.version, "brought_by": metric.brought_by}
            for metric in [*METRICS, *brought_metrics(entries["metrics"])]
        ],
        "feature_spaces": [dict(zip(("name", "state", "note"), state, strict=True)) for state in space_states()],
        "oracles": _oracles(entries["datasets"]),
    }  # fmt: skip


def _model(entry: Any) -> dict[str, Any]:
    from bench.api import capabilities

    about = {"name": entry.name, "plugin": entry.plugin, "source": entry.target.source}
    return about | {"capabilities": list(capabilities(entry.target))} if entry.kind == "generators" else about


def _dataset(entry: Any) -> dict[str, Any]:
    state = entry.target().state()
    return {
        "name": entry.name,
        "plugin": entry.plugin,
        "source": entry.target.source,
        "state": state.state,
        "note": state.note,
    }


def _oracles(datasets: list[Any]) -> list[dict[str, Any]]:
    """What reads the attributes of images, and the networks among them that are in the cache."""
    from bench.training.probe import cached_probes
    from bench.util.paths import cache_dir

    fitted: list[str] = []
    with suppress(BenchError):  # no home directory: nothing is cached
        fitted += cached_probes(cache_dir())
    celeba = next((entry.target().state().state for entry in datasets if entry.name == "celeba"), "missing")
    labelled = "data missing" if celeba == "missing" else "fitted at the first run"
    return [
        {"name": "factors", "state": "fitted at the first run", "fitted": fitted,
         "note": "a network that reads the ground-truth factors of a data set; once for each data set and budget"},
        {"name": "attributes", "state": labelled, "note": "the same for the 40 attributes of celeba"},
        {"name": "morphology", "state": "ready", "note": "closed formulas, for data sets without known factors"},
    ]  # fmt: skip
