"""`bench leaderboard`: show a board and update its page, or list all boards."""

import argparse
import json
from pathlib import Path
from typing import Any

from bench.cli.arguments import add_command
from bench.cli.console import console, say
from bench.errors import BenchError


def add_parser(commands: Any) -> None:
    text = "show a leaderboard and update its page, or list all leaderboards"
    sub = add_command(commands, "leaderboard", leaderboard, text, as_json=True)
    sub.add_argument("dataset", nargs="?", help="the data set (default: list all leaderboards)")
    sub.add_argument("--leaderboards", type=Path, default=Path("leaderboards"), metavar="DIR")


def leaderboard(options: argparse.Namespace) -> int:
    from bench.leaderboard import board_path, boards, read, render, table
    from bench.util.text import one_line

    if options.dataset is None:
        found = boards(options.leaderboards)
        names = [one_line(name) for name in found]
        print(json.dumps(found) if options.json else "\n".join(names) or f"no boards in {options.leaderboards}")
        return 0
    records = read(board_path(options.leaderboards, options.dataset))
    try:
        render(options.leaderboards, options.dataset)
    except BenchError as error:  # who may not write may still read
        say(f"the page is not renewed: {error}")
    if options.json:
        print(json.dumps([record.to_dict() for record in records], indent=1))
    else:
        console().print(table(records))
    return 0
