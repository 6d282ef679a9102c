"""`bench explain`: what a result was computed from, and what changed since the latest run of its kind."""

import argparse
import json
import re
from pathlib import Path
from typing import Any

from bench.cli.arguments import add_command
from bench.errors import BenchError


def add_parser(commands: Any) -> None:
    text = "show what a result was computed from and what changed since the previous run"
    sub = add_command(commands, "explain", explain, text, as_json=True)
    sub.add_argument("key", help="a key from a leaderboard or a run directory, or its first 6 or more hex digits")
    sub.add_argument("--runs", type=Path, default=Path("runs"), metavar="DIR")


def explain(options: argparse.Namespace) -> int:
    found = explain_key(options.runs, options.key)
    print(json.dumps(found, indent=1) if options.json else explanation_text(found))
    return 0


def explain_key(runs: Path, key: str) -> dict[str, Any]:
    """The training or the measurement behind `key` (or its first hex digits). Raises `BenchError` where there is none."""
    from bench.results.run_dir import jobs_in, look, parse_records

    jobs = list(jobs_in(runs)) if re.fullmatch("[0-9a-f]{6,}", key) else []
    for folder, written in jobs:
        if written["key"].startswith(key):
            return _training(folder, written, jobs)
    for folder, written in jobs:
        for path in folder.glob(f"records/*-{key[:12]}*.json"):
            rows = [record.to_dict() for record in look(path, parse_records) or []]
            if rows and rows[0]["key"].startswith(key):
                return {"measurement": rows, "of": _training(folder, written, jobs)}
    raise BenchError(f"no key that starts with {key!r} in {runs}: wanted 6 or more hex digits of one from a board")


def _training(folder: Path, written: dict[str, Any], jobs: list[tuple[Path, dict[str, Any]]]) -> dict[str, Any]:
    parts = written["training"]
    siblings = [
        (other.stat().st_mtime, row)
        for other, row in jobs
        if other != folder and all(row["training"][name] == parts[name] for name in ("entry", "dataset", "seed"))
    ]
    found = {"key": written["key"], "folder": str(folder), "parts": parts}
    if siblings:
        sibling = max(siblings, key=lambda pair: pair[0])[1]
        found["sibling"] = sibling["key"]
        found["differs"] = {
            name: [sibling["training"].get(name), value]
            for name, value in parts.items()
            if sibling["training"].get(name) != value
        }
    return found


def explanation_text(found: dict[str, Any]) -> str:
    """For people."""
    if "measurement" in found:
        rows = [
            f"{row['metric']} = {row['value']} ({row['status']}, {row['protocol']}, judge {row['judge']})"
            for row in found["measurement"]
        ]
        return "\n".join([*rows, "measured on the training:", explanation_text(found["of"])])
    lines = [f"training {found['key']} in {found['folder']}"]
    lines += [f"  {name}: {value}" for name, value in found["parts"].items()]
    if "sibling" in found:
        lines.append(f"differs from {found['sibling']} in:")
        lines += [f"  {name}: {old} -> {new}" for name, (old, new) in found["differs"].items()] or ["  nothing"]
    return "\n".join(lines)
