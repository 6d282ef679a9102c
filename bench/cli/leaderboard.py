"""`bench leaderboard`: show a board and update its page, or list all boards."""

import argparse
import json
import re
from typing import TYPE_CHECKING, Any

from bench.cli.arguments import add_command, add_folders
from bench.cli.console import say, show, terminal_width
from bench.errors import BenchError
from bench.util.columns import columns

if TYPE_CHECKING:
    from pathlib import Path

    from bench.results.record import Record


def add_parser(commands: Any) -> None:
    text = "show a leaderboard and update its page, or list all leaderboards"
    sub = add_command(commands, "leaderboard", leaderboard, text, as_json=True)
    sub.add_argument("dataset", nargs="?", help="the data set (default: list all leaderboards)")
    sub.add_argument("--all", action="store_true", help="show all metrics and costs, not the headline metrics only")
    add_folders(sub)


def leaderboard(options: argparse.Namespace) -> int:
    from bench.leaderboard import board_path, boards, read, render, to_json
    from bench.util.text import one_line

    if options.dataset is None:
        found = boards(options.leaderboards)
        names = [one_line(name) for name in found]
        print(json.dumps(found) if options.json else "\n".join(names) or f"no leaderboards in {options.leaderboards}")
        return 0
    records = read(board_path(options.leaderboards, options.dataset))
    try:
        render(options.leaderboards, options.dataset)
    except BenchError as error:  # who may not write may still read
        say(f"could not update the page: {error}")
    if options.json:
        print(to_json(records))
    else:
        show_board(options, records)
    return 0


def show_board(options: argparse.Namespace, records: "list[Record]") -> None:
    """The board, and the paths of its page, its rows and the samples of its methods."""
    from bench.leaderboard import board_path, board_text
    from bench.util.text import one_line

    rows = board_path(options.leaderboards, records[0].dataset) if records else None
    paths = [("page", str(rows.with_suffix(".md"))), ("rows", str(rows))] if rows else []
    paths += [
        (f"samples of {one_line(name)}", str(path)) for name, path in sample_sheets(options.runs, records).items()
    ]
    text = board_text(records, terminal_width(), options.all)
    show([text, "", *columns(paths, None)], {r"^[^ ]+ · .*": "bold", r"failed \[.*?\]": "red"})


def sample_sheets(runs: "Path", records: "list[Record]") -> "dict[str, Path]":
    """By method: the picture of the samples of its first seed, if it is in `runs`."""
    found: dict[str, Path] = {}
    for record in sorted(records, key=lambda record: (record.entry, record.settings, record.seed)):
        if record.metric == "fit" and record.status == "ok" and re.fullmatch("[0-9a-f]{12,}", record.key):
            label = f"{record.entry} {record.settings}".strip()
            for path in sorted(runs.glob(f"*/*/seed*-{record.key[:12]}/samples.png")):
                found.setdefault(label, path)
    return found
