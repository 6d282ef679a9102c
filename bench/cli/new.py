"""`bench new`: write a plugin that works, as a distribution of its own."""

import argparse
import json
import shlex
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from bench.cli.arguments import add_command
from bench.cli.console import show
from bench.util.pip import install_command

EXAMPLES = """bench new haze
bench new my-net --kind classifier
bench new scans --kind dataset --folder ~/plugins/scans"""
KINDS = ("generator", "classifier", "dataset")


def add_parser(commands: Any) -> None:
    text = "write a new plugin that works, to be changed into your own"
    sub = add_command(commands, "new", new, text, as_json=True, examples=EXAMPLES)
    sub.add_argument("name", metavar="NAME", help="of the entry, such as my-method; the distribution is bench-NAME")
    sub.add_argument("--kind", choices=KINDS, default="generator", help="what it provides (default: %(default)s)")
    sub.add_argument("--folder", type=Path, metavar="DIR", help="where to write it (default: bench-NAME)")


def new(options: argparse.Namespace) -> int:
    from bench.scaffold.distribution import KINDS, write_distribution
    from bench.util.paths import expanded

    folder = expanded(options.folder or Path(f"bench-{options.name}"))
    files = write_distribution(options.name, options.kind, folder)
    use = KINDS[options.kind].use.replace("%{name}", options.name)
    commands = next_commands(options.name, folder, use)
    if options.json:
        print(json.dumps({"folder": str(folder), "files": [str(path) for path in files], "next": commands}, indent=1))
        return 0
    module = next(path for path in files if path.name == "__init__.py")
    show([f"{folder}: {len(files)} files; the {options.kind} is in {module}", "", "next:"])
    show([f"  {command}" for command in commands])
    return 0


def next_commands(name: str, folder: Path, use: str) -> list[str]:
    """Install it into this environment, test it, run it, and run its own tests."""
    own = [f"python -m pytest {shlex.quote(str(folder))}"] if find_spec("pytest") else []
    return [install_command("-e", str(folder)), f"bench test --plugins {name}", use, *own]
