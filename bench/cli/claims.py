"""`bench claims`: what each paper claims, and whether it was reproduced."""

import argparse
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from textwrap import shorten
from typing import TYPE_CHECKING, Any

from bench.cli.arguments import add_command
from bench.cli.console import show, terminal_width
from bench.errors import BenchError, nearest
from bench.util.columns import columns, fold
from bench.util.text import one_line

if TYPE_CHECKING:
    from bench.registry.claims import Claim

PRINTED = {"shown": "reproduced", "not shown": "not reproduced", "not attempted": "not attempted"}
COLOURS = {r"(?<!not )\breproduced": "green", "not reproduced": "red", "not attempted": "yellow"}
EXAMPLES = """bench claims
bench claims stic S5
bench claims --status "not reproduced\""""


def add_parser(commands: Any) -> None:
    text = "show what each paper claims and whether we reproduced it"
    sub = add_command(commands, "claims", claims, text, as_json=True, examples=EXAMPLES)
    sub.add_argument("name", nargs="?", metavar="PLUGIN", help="a plugin (default: all)")
    sub.add_argument("id", nargs="?", metavar="ID", help="a claim of that plugin, to be shown in full")
    sub.add_argument("--status", metavar="STATUS", help="only claims that are: " + ", ".join(PRINTED.values()))


def claims(options: argparse.Namespace) -> int:
    from bench.registry.claims import load_claims

    found = load_claims(options.name)
    if options.id is not None:
        found = [_one(found, options.name, options.id)]
    if options.status is not None:
        status = _status(options.status)
        found = [claim for claim in found if claim.status == status]
    if options.json:
        print(json.dumps([asdict(claim) for claim in found], indent=1))
    else:
        width = terminal_width()
        show(whole(found[0], width) if options.id is not None and found else listing(found, width), COLOURS)
    return 0


def listing(found: "Sequence[Claim]", width: int | None) -> list[str]:
    """One line a claim, its figure shortened to the width between two words, and the totals."""
    lines = []
    for plugin in dict.fromkeys(claim.plugin for claim in found):
        rows = [claim for claim in found if claim.plugin == plugin]
        heads = [(one_line(claim.id), PRINTED[claim.status]) for claim in rows]
        left = columns(heads, None, indent=2)
        reach = max(map(len, left))
        figures = [one_line(claim.figure or claim.claim) for claim in rows]
        if width is not None:
            figures = [shorten(figure, max(20, width - reach - 2), placeholder=" ...") for figure in figures]
        lines += ["", plugin, *(f"{a.ljust(reach)}  {b}".rstrip() for a, b in zip(left, figures, strict=True))]
    return [*lines[1:], *(["", *totals(found)] if found else ["no claims"])]


def totals(found: "Sequence[Claim]") -> list[str]:
    """How many claims were reproduced, by plugin and overall."""
    plugins = list(dict.fromkeys(claim.plugin for claim in found))
    groups = [(plugin, [claim for claim in found if claim.plugin == plugin]) for plugin in plugins]
    rows = [(plugin, _count(rows)) for plugin, rows in [*groups, ("total", found)]]
    return columns(rows if len(plugins) > 1 else rows[:1], None)


def whole(claim: "Claim", width: int | None) -> list[str]:
    """The text of one claim."""
    head = f"{claim.plugin} {claim.id} · {claim.method} ({claim.source}) · {PRINTED[claim.status]}"
    facts = [("claim", claim.claim), ("measured by", claim.measured_by), ("expected", claim.expected)]
    facts += [("figure", claim.figure or "none")]
    return [*fold(one_line(head), width), "", *columns([(name, one_line(text)) for name, text in facts], width)]


def _count(rows: "Sequence[Claim]") -> str:
    counts = Counter(claim.status for claim in rows)
    parts = [f"{counts[status]} {text}" for status, text in PRINTED.items()]  # type: ignore[index]
    return f"{len(rows)} claims: {', '.join(parts)}"


def _one(found: "Sequence[Claim]", plugin: str, name: str) -> "Claim":
    for claim in found:
        if claim.id == name:
            return claim
    raise BenchError(f"{plugin} has no claim {name!r}: {nearest(name, [claim.id for claim in found])}")


def _status(text: str) -> str:
    """The status of the file for a printed one; the words of the file are understood as well."""
    for status, printed in PRINTED.items():
        if text in (status, printed):
            return status
    raise BenchError(f"unknown status {text!r}: {nearest(text, PRINTED.values())}")
