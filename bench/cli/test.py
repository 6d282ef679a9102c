"""`bench test`: run the conformance tests on plugins."""

import argparse
import json
from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from bench.cli.arguments import add_command
from bench.cli.console import console, show, terminal_width
from bench.util.columns import columns
from bench.util.text import one_line

if TYPE_CHECKING:
    from bench.testing.promise import Result
    from bench.testing.report import Tested

COLOURS = {r"\bfailed\b": "bold red", r"^  ok\b": "green", r"\bskipped\b": "yellow"}
EXAMPLES = """bench test --plugins haze
bench test --plugins folder:PATH -v"""


def add_parser(commands: Any) -> None:
    sub = add_command(commands, "test", test, "run the conformance tests on plugins", as_json=True, examples=EXAMPLES)
    sub.add_argument("--plugins", required=True, metavar="NAMES", help="entry names, separated by commas")
    sub.add_argument("--device", default="cpu", help="cpu, cuda or cuda:i (default: %(default)s)")
    sub.add_argument("-v", "--verbose", action="store_true", help="show every test, not only what failed")


def test(options: argparse.Namespace) -> int:
    from bench.experiment.request import parse_names
    from bench.testing import conformance

    names = parse_names(options.plugins)
    with console(stderr=True).status("") as status:
        tested = conformance(names, device=options.device, tell=status.update)
    results = [result for one in tested for result in one.results]
    if options.json:
        counts = Counter(result.status for result in results)
        rows = [result.to_dict() for result in results]
        print(json.dumps({"device": options.device, "counts": dict(counts), "results": rows}, indent=2))
    else:
        show(report_lines(tested, options.verbose, terminal_width()), COLOURS)
    return int(any(result.status == "failed" for result in results))


def report_lines(tested: "Iterable[Tested]", verbose: bool, width: int | None) -> list[str]:
    """A line for each entry, below it what failed (or everything), and the totals."""
    lines: list[str] = []
    results: list[Result] = []
    for one in tested:
        entry = one.entry
        title = f"{entry.name} ({entry.kind[:-1]} of {entry.plugin}, {entry.distribution} {entry.version})"
        rows = [_row(result) for result in one.results if verbose or result.status == "failed"]
        lines += [f"{title}: {_count(one.results)}", *columns(_merged(rows), width, indent=2)]
        results += one.results
    return [*lines, _count(results)]


def _row(result: "Result") -> tuple[str, str, str]:
    return (result.status, result.promise.replace("_", " "), one_line(result.reason))


def _merged(rows: list[tuple[str, str, str]]) -> list[tuple[str, str, str]]:
    """A reason that is that of the row above is not repeated."""
    before = ["", *(reason for _, _, reason in rows)]
    return [
        (status, name, "same reason" if reason and reason == above else reason)
        for (status, name, reason), above in zip(rows, before, strict=False)
    ]


def _count(results: "Iterable[Result]") -> str:
    """`24 of 26 passed, 2 failed`."""
    counts = Counter(result.status for result in results)
    parts = [f"{counts['ok']} of {counts.total()} passed"]
    return ", ".join(parts + [f"{counts[status]} {status}" for status in ("failed", "skipped") if counts[status]])
