"""`bench list`: everything that is installed."""

import argparse
import json
from typing import TYPE_CHECKING, Any

from bench.cli.arguments import add_command
from bench.cli.console import console

if TYPE_CHECKING:
    from rich.table import Table


def add_parser(commands: Any) -> None:
    text = "list plugins, methods, data sets, metrics and feature spaces"
    add_command(commands, "list", list_, text, as_json=True)


def list_(options: argparse.Namespace) -> int:
    found = inventory()
    if options.json:
        print(json.dumps(found, indent=1))
    else:
        for table in inventory_tables(found):
            console().print(table)
    return 0


def inventory() -> dict[str, list[dict[str, Any]]]:
    """Plain rows by kind: plugins, broken, generators, classifiers, datasets, metrics, feature_spaces."""
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
             "about": metric.about, "version": metric.version}
            for metric in METRICS
        ],
        "feature_spaces": [dict(zip(("name", "state", "note"), state, strict=True)) for state in space_states()],
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


def inventory_tables(found: dict[str, list[dict[str, Any]]]) -> "list[Table]":
    """One table a kind that has rows."""
    from rich.markup import escape
    from rich.table import Table

    tables = []
    for kind, rows in found.items():
        if not rows:
            continue
        table = Table(*rows[0], title=kind.replace("_", " "), title_justify="left")
        for row in rows:
            cells = [", ".join(value) if isinstance(value, list) else str(value or "–") for value in row.values()]
            table.add_row(*map(escape, cells))
        tables.append(table)
    return tables
