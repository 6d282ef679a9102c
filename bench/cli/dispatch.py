"""The parser of the command line, and how a command ends."""

import argparse
import sys
from collections.abc import Sequence
from importlib.metadata import version

from bench.cli import (
    claims,
    compare,
    completion,
    doctor,
    evaluate,
    explain,
    fetch,
    info,
    leaderboard,
    new,
    run,
    submit,
    test,
    verify,
)
from bench.cli import list as list_
from bench.cli.console import NO_ROOM, configure_logging, open_standard_streams, say, silence
from bench.cli.signals import INTERRUPTED, Stop
from bench.errors import BenchError

COMMANDS = (run, evaluate, leaderboard, compare, verify, submit, list_, info, fetch, claims, explain, new, test, doctor)
EXAMPLES = """examples:
  bench list                                   what is installed
  bench run --plugins regene --budget smoke    try a method in about a minute
  bench leaderboard sprites                    compare all methods on a data set

documentation: docs/README.md in the source repository; bench COMMAND --help"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Exit codes: 0 all well, 1 some job failed, 2 wrong usage, 130 and 143 stopped by a signal.

    The handlers of signals are those of the caller again when it returns or raises. It may run in any thread.
    """
    stop = Stop()
    try:
        return _command(arguments, stop)
    finally:
        stop.restore()


def program() -> int:
    """The command of this process: as `main`, and stopped in order until the process has ended."""
    return _command(None, Stop())


def _command(arguments: Sequence[str] | None, stop: Stop) -> int:
    open_standard_streams()
    configure_logging()
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
            whole = parser()
            options = whole.parse_args(arguments)
            if options.command is None:  # `bench` alone, as with git and docker
                whole.print_help()
                return 2
            return int(options.command(options))
        finally:
            sys.stdout.flush()  # here, so that an error can still be reported
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
    text = (
        "Train image generators that use a classifier, score them with another one, and compare them on leaderboards."
    )
    top = argparse.ArgumentParser(
        prog="bench", description=text, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    top.set_defaults(command=None)
    top.add_argument("--version", action="version", version=f"bench {version('classifier-bench')}")
    commands = top.add_subparsers(metavar="COMMAND", title="commands")
    for module in COMMANDS:
        module.add_parser(commands)
    completion.add_parser(commands, top)
    return top
