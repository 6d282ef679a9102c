"""`bench claims`: what each paper claims, and whether it was reproduced."""

import argparse
import json
from typing import Any

from bench.cli.arguments import add_command
from bench.cli.console import console


def add_parser(commands: Any) -> None:
    text = "show what each paper claims and whether we reproduced it"
    sub = add_command(commands, "claims", claims, text, as_json=True)
    sub.add_argument("name", nargs="?", help="a plugin (default: all)")


def claims(options: argparse.Namespace) -> int:
    from dataclasses import asdict

    from bench.registry.claims import load_claims, render_claims

    found = load_claims(options.name)
    if options.json:
        print(json.dumps([asdict(claim) for claim in found], indent=1))
    else:
        console().print(render_claims(found))
    return 0
