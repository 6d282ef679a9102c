"""`bench explain`: what a result was computed from, and what changed since the latest run of its kind."""

import argparse
import json
import re
from datetime import datetime
from pathlib import Path
from typing import Any

from bench.cli.arguments import add_command
from bench.errors import BenchError
from bench.util.columns import columns
from bench.util.text import one_line


def add_parser(commands: Any) -> None:
    text = "show what a result was computed from and what changed since the previous run"
    sub = add_command(commands, "explain", explain, text, as_json=True)
    sub.add_argument("key", help="a key from a leaderboard or a run directory, or its first 6 or more hex digits")
    sub.add_argument("--runs", type=Path, default=Path("runs"), metavar="DIR", help="run directories (default: runs)")


def explain(options: argparse.Namespace) -> int:
    found = explain_key(options.runs, options.key)
    print(json.dumps(found, indent=1) if options.json else explanation_text(found))
    return 0


def explain_key(runs: Path, key: str) -> dict[str, Any]:
    """The training or the measurement behind `key` (or its first hex digits). Raises `BenchError` if there is none."""
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
    raise BenchError(
        f"no result in {runs} has a key starting with {key!r} (copy at least 6 digits from the key column of a board)"
    )


def _training(folder: Path, written: dict[str, Any], jobs: list[tuple[Path, dict[str, Any]]]) -> dict[str, Any]:
    parts = written["training"]
    siblings = [
        (other.stat().st_mtime, row)
        for other, row in jobs
        if other != folder and all(row["training"][name] == parts[name] for name in ("entry", "dataset", "seed"))
    ]
    sheet = folder / "samples.png"
    found = {"key": written["key"], "folder": str(folder), "parts": parts, "written": _date(folder / "job.json"),
             "samples": str(sheet) if sheet.is_file() else ""}  # fmt: skip
    if said := written["job"].get("tuning"):
        found["tuning"] = said
    if siblings:
        when, sibling = max(siblings, key=lambda pair: pair[0])
        found["sibling"] = sibling["key"]
        found["sibling_written"] = _text_of(when)
        found["differs"] = {
            name: [sibling["training"].get(name), value]
            for name, value in parts.items()
            if sibling["training"].get(name) != value
        }
    return found


def explanation_text(found: dict[str, Any]) -> str:
    """For people: what differs comes first."""
    if "measurement" in found:
        rows = [_measured(row) for row in found["measurement"]]
        return "\n".join([*rows, "measured on this training:", "", explanation_text(found["of"])])
    lines = []
    if "sibling" in found:
        lines.append(f"differs from the previous run {found['sibling']} ({found['sibling_written']}) in:")
        lines += [
            f"  {one_line(name)}: {_plain(old)} -> {_plain(new)}" for name, (old, new) in found["differs"].items()
        ]
        lines += [""] if found["differs"] else ["  nothing", ""]
    facts = [("training", found["key"]), ("folder", found["folder"]), ("written", found["written"])]
    facts += [("samples", found["samples"])] if found["samples"] else []
    facts += [("settings chosen", found["tuning"])] if "tuning" in found else []
    facts += [(one_line(name), _plain(value)) for name, value in found["parts"].items()]
    return "\n".join([*lines, *columns([(name, one_line(text)) for name, text in facts], None)])


def _measured(row: dict[str, Any]) -> str:
    value = row["value"] if row["status"] == "ok" else f"{row['status']}: {row['reason']}"
    judge = f"judge {row['judge']}" if row["judge"] else "no judge"
    return one_line(f"{row['metric']} = {value} ({row['protocol']}, {judge})")


def _plain(value: Any) -> str:
    """A part of a key without the syntax of Python."""
    if isinstance(value, dict):
        return ", ".join(f"{one_line(str(name))}={_plain(inner)}" for name, inner in value.items()) or "none"
    if isinstance(value, list | tuple):
        return ", ".join(map(_plain, value)) or "none"
    return "none" if value in (None, "") else one_line(str(value))


def _date(path: Path) -> str:
    return _text_of(path.stat().st_mtime)


def _text_of(moment: float) -> str:
    return datetime.fromtimestamp(moment).strftime("%Y-%m-%d %H:%M")
