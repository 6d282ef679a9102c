"""`bench test`: run the conformance tests on plugins."""

import argparse
import json
from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from bench.cli.arguments import add_command, positive_float
from bench.cli.console import console, show, terminal_width
from bench.util.columns import columns, fold
from bench.util.text import one_line

if TYPE_CHECKING:
    from bench.testing.promise import Result
    from bench.testing.report import Tested

COLOURS = {r"\bfailed\b": "bold red", r"^  ok\b": "green", r"\bskipped\b": "yellow"}
STATES = ("failed", "skipped", "ok")
EXAMPLES = """bench test --plugins haze
bench test --plugins folder:PATH -v"""


def add_parser(commands: Any) -> None:
    sub = add_command(commands, "test", test, "run the conformance tests on plugins", as_json=True, examples=EXAMPLES)
    sub.add_argument("--plugins", required=True, metavar="NAMES", help="entry names, separated by commas")
    sub.add_argument("--device", default="cpu", help="cpu, cuda or cuda:i (default: %(default)s)")
    sub.add_argument("--timeout", type=positive_float, metavar="SECONDS", help="time limit of one test (default: 300)")
    sub.add_argument("-v", "--verbose", action="store_true", help="show every test, not only what failed")


def test(options: argparse.Namespace) -> int:
    from bench.experiment.request import parse_names
    from bench.testing import conformance
    from bench.testing.report import document
    from bench.testing.time_limit import SECONDS

    names = parse_names(options.plugins)
    with console(stderr=True).status("") as status:
        tested = conformance(names, device=options.device, seconds=options.timeout or SECONDS, tell=status.update)
    if options.json:
        print(json.dumps(document(tested, options.device), indent=2))
    else:
        show(report_lines(tested, options.verbose, terminal_width()), COLOURS)
    return int(any(_failed(one) for one in tested))


def report_lines(tested: "Iterable[Tested]", verbose: bool, width: int | None) -> list[str]:
    """A line for each entry, what failed below it (or everything), and the totals. What failed comes first."""
    lines: list[str] = []
    results: list[Result] = []
    for one in sorted(tested, key=lambda one: not _failed(one)):
        entry = one.entry
        title = f"{entry.name} ({entry.kind[:-1]} of {entry.plugin}, {entry.distribution} {entry.version})"
        rows = [_row(result) for result in _failures_first(one.results) if verbose or result.status == "failed"]
        lines += [f"{title}: {_count(one.results)}", *columns(_merged(rows), width, indent=2)]
        lines += [f"  {line}" for text in _remedies(one.results) for line in fold(text, width and width - 2, "  ")]
        results += one.results
    return [*lines, _count(results)]


def _failed(one: "Tested") -> bool:
    return any(result.status == "failed" for result in one.results)


def _failures_first(results: "Iterable[Result]") -> "list[Result]":
    return sorted(results, key=lambda result: STATES.index(result.status))


def _remedies(results: "Iterable[Result]") -> list[str]:
    """What to do about each test that failed."""
    return [f"remedy for {result.id}: {result.remedy}" for result in results if result.status == "failed"]


def _row(result: "Result") -> tuple[str, str, str]:
    return (result.status, f"{result.id} {result.promise.replace('_', ' ')}", one_line(result.reason))


def _merged(rows: list[tuple[str, str, str]]) -> list[tuple[str, str, str]]:
    """A reason that is that of the row above is not repeated."""
    before = ["", *(reason for _, _, reason in rows)]
    return [
        (status, name, "same reason" if reason and reason == above else reason)
        for (status, name, reason), above in zip(rows, before, strict=False)
    ]


def _count(results: "Iterable[Result]") -> str:
    """`2 failed, 24 passed`."""
    counts: Counter[str] = Counter(result.status for result in results)
    words = {"ok": "passed"}
    found = [f"{counts[status]} {words.get(status, status)}" for status in STATES if counts[status]]
    return ", ".join(found) or "nothing was tested"
