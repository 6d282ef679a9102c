"""The command line: its grammar, and how a command ends."""

import argparse
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bench.commands.others import claims, completion, explain, leaderboard, list_, test
from bench.commands.run import run
from bench.errors import BenchError
from bench.stopping import INTERRUPTED, Stop
from bench.streams import NO_ROOM, open_standard_streams, say, silence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Exit codes: 0 all well, 1 some job failed, 2 wrong usage, 130 and 143 stopped by a signal."""
    open_standard_streams()
    stop = Stop()
    stop.listen()
    try:
        return _perform(arguments)
    except BaseException:
        if not stop.number:
            raise
        stop.caught = True  # whatever became of it on its way
        print(INTERRUPTED, file=sys.stderr)
        return stop.code


def _perform(arguments: Sequence[str] | None) -> int:
    try:
        try:
            options = parser().parse_args(arguments)
            return options.command(options)
        finally:
            sys.stdout.flush()  # here, where what goes wrong can still be said
    except BenchError as error:
        say(str(error))
        return 2
    except BrokenPipeError:  # bench list | head
        silence()
        return 0
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        silence()
        say(f"cannot write {error.filename or 'to standard output'}: {error.strerror}")
        return 1


def parser() -> argparse.ArgumentParser:
    """The whole grammar of the command line."""
    top = argparse.ArgumentParser(prog="bench", description="Compare image generators that lean on classifiers.")
    top.add_argument("--version", action="version", version=f"bench {version('classifier-bench')}")
    commands = top.add_subparsers(metavar="COMMAND", required=True)
    _run_parser(commands)
    _command(commands, "list", list_, "plugins, entries, data sets, metrics and feature spaces", as_json=True)
    board = _command(
        commands,
        "leaderboard",
        leaderboard,
        "print a board and render its page, or name those that there are",
        as_json=True,
    )
    board.add_argument("dataset", nargs="?", help="the data set; without it, the names of all boards")
    board.add_argument("--leaderboards", type=Path, default=Path("leaderboards"), metavar="DIR")
    check = _command(commands, "test", test, "hold plugins to the promises of the conformance suite", as_json=True)
    check.add_argument("--plugins", required=True, metavar="NAMES", help="entry names, separated by commas")
    check.add_argument("--device", default="cpu", help="cpu, cuda or cuda:i (default: %(default)s)")
    ledger = _command(commands, "claims", claims, "the ledger: what each paper claims, and what was seen", as_json=True)
    ledger.add_argument("name", nargs="?", help="a plugin; without it, all")
    why = _command(commands, "explain", explain, "what a key of a board stands for, and why it differs", as_json=True)
    why.add_argument("key", help="a key from a board or a run directory, or its first hex digits")
    why.add_argument("--runs", type=Path, default=Path("runs"), metavar="DIR")
    shell = _command(commands, "completion", completion, "print a completion script for a shell")
    shell.set_defaults(grammar=top)
    shell.add_argument("shell", choices=["bash", "zsh", "tcsh"])
    return top


def _command(commands: Any, name: str, command: Any, text: str, as_json: bool = False) -> argparse.ArgumentParser:
    sub: argparse.ArgumentParser = commands.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
    sub.set_defaults(command=command)
    if as_json:
        sub.add_argument("--json", action="store_true", help="print JSON for machines")
    return sub


def _run_parser(commands: Any) -> None:
    sub = _command(commands, "run", run, "train methods, examine them, and write the board", as_json=True)
    add = sub.add_argument
    add("--plugins", required=True, metavar="NAMES", help="entry names, separated by commas, or all")
    add(
        "--dataset", default="sprites", metavar="NAME", help="a data set, e.g. digits or folder:PATH (default: sprites)"
    )
    add("--labels-per-class", type=_positive, metavar="N", help="train on N images of each class; the board is NAME@N")
    add("--seeds", default="0", metavar="LIST", help="training seeds, e.g. 0,1,2 or 0-4 (default: 0)")
    add("--budget", metavar="NAME", help="smoke, quick, standard or full (default: quick on CPU, standard on a GPU)")
    add("--set", action="append", default=[], metavar="ENTRY.KEY=VALUE", help="change a setting, e.g. regene.lr=1e-3")
    add("--guide", metavar="NAME", help="the classifier lent to methods, e.g. timm:resnet18")
    add("--judge", metavar="NAME", help="the classifier that scores them; never the guide")
    add("--device", default="auto", help="auto, cpu, cuda or cuda:i (default: auto)")
    add(
        "--jobs",
        type=_positive,
        metavar="N",
        help="processes at a time, sharing the cores (default: one for each core, with one thread; 1 on a GPU)",
    )
    add("--timeout", type=_seconds, metavar="SECONDS", help="the longest that one job may take (default: by budget)")
    add(
        "--memory",
        type=_seconds,
        metavar="GB",
        help="the most that one job may hold (default: 90%% of the machine / N)",
    )
    add(
        "--disk",
        type=_seconds,
        metavar="GB",
        help="the largest file that one job may write (default: half of what is free / N, at most 16)",
    )
    add(
        "--checkpoint-every",
        type=_seconds,
        default=30.0,
        metavar="SECONDS",
        help="what a killed training loses at most (default: 30)",
    )
    add("--runs", type=Path, default=Path("runs"), metavar="DIR", help="run directories (default: runs)")
    add("--leaderboards", type=Path, default=Path("leaderboards"), metavar="DIR", help="boards (default: leaderboards)")
    add("--dry-run", action="store_true", help="print the jobs with their keys and what is cached, and stop")
    add("--strict-plugins", action="store_true", help="refuse to start while any installed plugin is broken")


def _positive(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"got {text!r}, wanted a whole number from 1")
    return int(text)


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"got {text!r}, wanted a positive number")
    return value
