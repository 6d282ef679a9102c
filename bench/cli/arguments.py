"""What the parsers of all commands share."""

import argparse
from collections.abc import Callable
from pathlib import Path
from textwrap import indent
from typing import Any

Command = Callable[[argparse.Namespace], int]


def add_command(
    commands: Any, name: str, command: Command, text: str, as_json: bool = False, examples: str = ""
) -> argparse.ArgumentParser:
    """A subparser whose options run `command`, with `--json` if it prints something for machines."""
    sub: argparse.ArgumentParser = commands.add_parser(
        name,
        help=text,
        description=text[0].upper() + text[1:] + ".",
        epilog=f"examples:\n{indent(examples, '  ')}" if examples else None,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    sub.set_defaults(command=command)
    if as_json:
        sub.add_argument("--json", action="store_true", help="print JSON for machines")
    return sub


WRITTEN = "leaderboards to write to (default: leaderboards in the folder of --runs)"
READ = "leaderboards to read (default: yours, in the folder of --runs, or else published ones in leaderboards)"


def add_folders(to: Any, leaderboards: str = READ) -> None:
    """`--runs` and `--leaderboards`, for a parser or one of its groups."""
    to.add_argument("--runs", type=Path, default=Path("runs"), metavar="DIR", help="run directories (default: runs)")
    to.add_argument("--leaderboards", type=Path, metavar="DIR", help=leaderboards)


def positive(text: str) -> int:
    """A whole number from 1."""
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number of at least 1, got {text!r}")
    return int(text)


def positive_float(text: str) -> float:
    """A finite number above 0."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"expected a positive number, got {text!r}")
    return value
