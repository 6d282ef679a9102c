"""`bench submit`: pack rows of a board with what is needed to check them."""

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.cli.arguments import add_command, add_folders
from bench.cli.console import console, show
from bench.cli.find_board import find_rows
from bench.errors import BenchError, nearest
from bench.util.text import items

if TYPE_CHECKING:
    from bench.results.record import Record

EXAMPLES = """bench submit digits --only my-method
bench submit sprites --only my-method --budget quick --out my-method.zip
bench leaderboard --add my-method.zip"""


def add_parser(commands: Any) -> None:
    text = "pack rows of a leaderboard, with samples, environment and conformance report, into one file"
    sub = add_command(commands, "submit", submit, text, as_json=True, examples=EXAMPLES)
    sub.add_argument("dataset", help="the leaderboard")
    sub.add_argument("--only", required=True, metavar="ENTRIES", help="the methods, separated by commas")
    sub.add_argument("--budget", metavar="NAME", help="rows of this budget alone")
    sub.add_argument("--out", type=Path, metavar="FILE", help="the file to write (default: DATASET-ENTRIES.zip)")
    add_folders(sub)


def submit(options: argparse.Namespace) -> int:
    from bench.boards.submission import check, of_these_files, open_submission, pack

    names = items(options.only)
    found, report = rows_of(options, names), conformance_report(names)
    records, older = of_these_files(found, options.runs, report)
    if not records:
        raise BenchError(f"all rows of {', '.join(names)} were made by earlier versions of the plugin: run it again")
    path = options.out or Path(f"{records[0].dataset}-{'-'.join(names)}.zip")
    pack(path, records, options.runs, report)
    check(open_submission(path))
    jobs = sum(record.metric == "fit" for record in records)
    if options.json:
        print(json.dumps({"file": str(path), "rows": len(records), "jobs": jobs, "left_out": len(older)}, indent=1))
    else:
        show([f"{path}: {len(records):,} rows of {jobs} jobs, {path.stat().st_size / 2**20:.1f} MB", *left_out(older)])
    return 0


def left_out(older: "list[Record]") -> list[str]:
    """The message about rows that were made by earlier versions of a plugin."""
    jobs = dict.fromkeys(f"{record.entry}, budget {record.budget}" for record in older)
    return [f"left out {len(older):,} rows made by earlier versions of the plugin: {'; '.join(jobs)}"] if jobs else []


def rows_of(options: argparse.Namespace, names: list[str]) -> "list[Record]":
    """The rows of these methods. Raises `BenchError` for a method without rows."""
    _, name, records = find_rows(options)
    known = list(dict.fromkeys(record.entry for record in records))
    for one in names:
        if one not in known:
            raise BenchError(f"no row of {one!r} on the board {name}: {nearest(one, known)}")
    found = [record for record in records if record.entry in names and options.budget in (None, record.budget)]
    if not found:
        raise BenchError(f"no row of {', '.join(names)} on the board {name} at budget {options.budget!r}")
    return found


def conformance_report(names: list[str]) -> dict[str, Any]:
    """The report of the conformance tests of these methods, which are run now."""
    from bench.testing import conformance
    from bench.testing.report import document

    with console(stderr=True).status("") as status:
        tested = conformance(names, tell=status.update)
    return document([one for one in tested if one.entry.name in names], "cpu")
