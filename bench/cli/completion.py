"""`bench completion`: a completion script for a shell."""

import argparse
from typing import Any

from bench.cli.arguments import add_command


def add_parser(commands: Any, top: argparse.ArgumentParser) -> None:
    sub = add_command(commands, "completion", completion, "print a shell completion script")
    sub.set_defaults(parser=top)
    sub.add_argument("shell", choices=["bash", "zsh", "tcsh"])


def completion(options: argparse.Namespace) -> int:
    import shtab

    print(shtab.complete(options.parser, options.shell))
    return 0
