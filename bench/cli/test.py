"""`bench test`: run the conformance tests on plugins."""

import argparse
from typing import Any

from bench.cli.arguments import add_command


def add_parser(commands: Any) -> None:
    sub = add_command(commands, "test", test, "run the conformance tests on plugins", as_json=True)
    sub.add_argument("--plugins", required=True, metavar="NAMES", help="entry names, separated by commas")
    sub.add_argument("--device", default="cpu", help="cpu, cuda or cuda:i (default: %(default)s)")


def test(options: argparse.Namespace) -> int:
    from bench.testing import conformance

    return conformance(options.plugins.split(","), json=options.json, device=options.device)
