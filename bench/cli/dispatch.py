"""The parser of the command line, and how a command ends."""

import argparse
import sys
from collections.abc import Sequence
from importlib.metadata import version

from bench.cli import claims, completion, explain, leaderboard, run, test
from bench.cli import list as list_
from bench.cli.console import NO_ROOM, open_standard_streams, say, silence
from bench.cli.signals import INTERRUPTED, Stop
from bench.errors import BenchError

COMMANDS = (run, leaderboard, list_, claims, explain, test)


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
    """The parser of the whole command line."""
    top = argparse.ArgumentParser(prog="bench", description="Compare image generators that build on classifiers.")
    top.add_argument("--version", action="version", version=f"bench {version('classifier-bench')}")
    commands = top.add_subparsers(metavar="COMMAND", required=True)
    for module in COMMANDS:
        module.add_parser(commands)
    completion.add_parser(commands, top)
    return top
