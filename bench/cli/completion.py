"""`bench completion`: a completion script for a shell."""

import argparse
from collections.abc import Iterator
from typing import Any

from bench.cli.arguments import add_command


def add_parser(commands: Any, top: argparse.ArgumentParser) -> None:
    sub = add_command(commands, "completion", completion, "print a shell completion script")
    sub.set_defaults(parser=top)
    sub.add_argument("shell", choices=["bash", "zsh", "tcsh"])


def completion(options: argparse.Namespace) -> int:
    import shtab

    for action in _actions(options.parser):
        if action.metavar in ("FILE", "DIR"):
            action.complete = shtab.FILE if action.metavar == "FILE" else shtab.DIRECTORY  # type: ignore[attr-defined]
    print(shtab.complete(options.parser, options.shell))
    return 0


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """The arguments of a parser and of all its commands."""
    for action in parser._actions:
        yield action
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                yield from _actions(command)
