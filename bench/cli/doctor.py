"""`bench doctor`: what is installed and found here, and what to do about the rest."""

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from bench.cli.arguments import add_command
from bench.cli.console import show, terminal_width
from bench.util.columns import columns, fold
from bench.util.text import one_line

if TYPE_CHECKING:
    from bench.doctor.check import Check

EXAMPLES = """bench doctor
bench doctor --json"""
COLOURS = {r"^  ok\b": "green", r"^  optional\b": "yellow", r"^  broken\b": "bold red"}


def add_parser(commands: Any) -> None:
    text = "show what is installed and found here, and what to do about the rest"
    add_command(commands, "doctor", doctor, text, as_json=True, examples=EXAMPLES)


def doctor(options: argparse.Namespace) -> int:
    from bench.doctor import examine

    found = examine()
    broken = sum(check.state == "broken" for check in found)
    if options.json:
        print(json.dumps({"broken": broken, "checks": [asdict(check) for check in found]}, indent=1))
    else:
        show(report(found, terminal_width()), COLOURS)
    return int(broken > 0)


def report(found: "Sequence[Check]", width: int | None) -> list[str]:
    """By topic: a line for each check, then the commands for what is missing, and a verdict."""
    lines: list[str] = []
    for topic in dict.fromkeys(check.topic for check in found):
        rows = [(it.state, it.name, one_line(it.detail)) for it in found if it.topic == topic]
        lines += [topic, *columns(rows, width, indent=2), ""]
    for state, title in (("broken", "to mend"), ("optional", "if you need it")):
        remedies = [(it.name, one_line(it.remedy)) for it in found if it.state == state and it.remedy]
        lines += [title, *columns(remedies, width, indent=2), ""] if remedies else []
    return [*lines, *fold(verdict(found), width)]


def verdict(found: "Sequence[Check]") -> str:
    names = [check.name for check in found if check.state == "broken"]
    return f"broken: {', '.join(names)}" if names else "nothing is broken; what is optional can be left as it is"
