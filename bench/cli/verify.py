"""`bench verify`: measure the kept samples behind a board again, or train new seeds and compare."""

import argparse
import json
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from bench.cli.arguments import add_command, add_folders, positive
from bench.cli.console import show, terminal_width
from bench.cli.find_board import find_rows
from bench.errors import BenchError, nearest
from bench.util.columns import columns, fold
from bench.util.text import items

if TYPE_CHECKING:
    from bench.execution.retrain import Agreement
    from bench.execution.session import Show
    from bench.execution.verify import State, Verdict
    from bench.results.record import Record

EXAMPLES = """bench verify digits
bench verify sprites --only regene --rows 20
bench verify digits --only gmm --retrain"""
COLOURS = {r"\bequal\b|\bclose\b|\bagrees\b": "green", r"\bdifferent\b|\bdisagrees\b": "red", "not verified": "yellow"}
STATES: tuple["State", ...] = ("equal", "close", "different", "not verified")


def add_parser(commands: Any) -> None:
    text = "check the rows of a leaderboard against their kept samples, or against new seeds"
    sub = add_command(commands, "verify", verify_command, text, as_json=True, examples=EXAMPLES)
    sub.add_argument("dataset", help="the leaderboard")
    sub.add_argument("--only", metavar="ENTRY", help="check this method alone, or several separated by commas")
    sub.add_argument("--budget", metavar="NAME", help="check this budget alone")
    sub.add_argument("--metrics", metavar="NAMES", help="check these metrics alone, separated by commas")
    sub.add_argument("--rows", type=positive, metavar="K", help="check K rows, chosen at random (default: all)")
    sub.add_argument(
        "--retrain", action="store_true", help="train new seeds and test whether they agree with the published ones"
    )
    sub.add_argument(
        "--new-seeds", type=positive, default=2, metavar="N", help="how many seeds --retrain trains (default: 2)"
    )
    add_folders(sub)


def verify_command(options: argparse.Namespace) -> int:
    from bench.execution.worker_server import worker_server

    records = chosen(options)
    with worker_server(), TemporaryDirectory(prefix="bench-verify-") as work:
        check = compare_new_seeds if options.retrain else remeasure
        return check(options, records, Path(work))


def chosen(options: argparse.Namespace) -> "list[Record]":
    """The rows to check. Raises `BenchError` if there are none."""
    _, name, records = find_rows(options)
    wanted = {
        "entry": items(options.only or ""),
        "budget": items(options.budget or ""),
        "metric": items(options.metrics or ""),
    }
    for field, values in wanted.items():
        known = list(dict.fromkeys(getattr(record, field) for record in records))
        for value in values:
            if value not in known:
                raise BenchError(f"no row with the {field} {value!r} on the board {name}: {nearest(value, known)}")
    return [record for record in records if _is_wanted(record, wanted)]


def _is_wanted(record: "Record", wanted: dict[str, list[str]]) -> bool:
    """Records about whole jobs are kept: they say which run directory a row comes from."""
    fields = [field for field, values in wanted.items() if values and (field != "metric" or record.metric != "fit")]
    return all(getattr(record, field) in wanted[field] for field in fields)


def remeasure(options: argparse.Namespace, records: "list[Record]", work: Path) -> int:
    """Measure the samples again. The exit code is 1 if any row differs, or none could be checked."""
    from bench.execution.verify import as_row, verify

    with progress() as shown:
        found = verify(records, options.runs, work, shown, options.rows)
    if options.json:
        print(json.dumps([as_row(verdict) for verdict in found], indent=1))
    else:
        show(verdict_lines(found, terminal_width()), COLOURS)
    states = {verdict.state for verdict in found}
    return int("different" in states or not states & {"equal", "close"})


def progress() -> Any:
    from bench.cli.jobs_left import Jobs
    from bench.cli.progress import display

    return display(Jobs(1))


def verdict_lines(found: "list[Verdict]", width: int | None) -> list[str]:
    """What differs, with the reason; how many rows were not checked and why; and the counts."""
    lines = [
        line
        for v in found
        if v.state == "different"
        for line in fold(f"{_name(v.record)}: different: {v.why}", width, "  ")
    ]
    reasons = Counter(v.why for v in found if v.state == "not verified")
    lines += [
        line for why, count in reasons.items() for line in fold(f"{_rows(count)} not verified: {why}", width, "  ")
    ]
    counts = Counter(v.state for v in found)
    total = ", ".join(f"{counts[state]:,} {state}" for state in STATES if counts[state])
    return [*lines, *([""] if lines else []), f"{_rows(len(found))}: {total or 'nothing to check'}"]


def _rows(count: int) -> str:
    return f"{count:,} row{'s' * (count != 1)}"


def _name(record: "Record") -> str:
    return (
        f"{record.metric} of {f'{record.entry} {record.settings}'.strip()}, seed {record.seed}, budget {record.budget}"
    )


def compare_new_seeds(options: argparse.Namespace, records: "list[Record]", work: Path) -> int:
    """Train new seeds of each method whose run directories are there. The exit code is 1 if any metric disagrees."""
    with progress() as shown:
        found = retrained(options, records, work, shown)
    if options.json:
        print(json.dumps([asdict(one) for one in found], indent=1))
    else:
        show(agreement_lines(found, terminal_width()), COLOURS)
    return int(not all(one.agrees for one in found))


def retrained(options: argparse.Namespace, records: "list[Record]", work: Path, shown: "Show") -> "list[Agreement]":
    """The agreement of each method in the first section of the board, which has the largest budget."""
    from bench.boards.view import line_of, sections
    from bench.execution.retrain import new_seeds, retrain
    from bench.execution.verify import read_job
    from bench.results.run_dir import jobs_in

    section = sections(records)[0]
    jobs = {written["key"]: written["job"] for _, written in jobs_in(options.runs)}
    found: list[Agreement] = []
    for line in (line for line in section.lines if not line.anchor):
        keys = [r.key for r in section.records if r.metric == "fit" and line_of(r) == line]
        known = next((jobs[key] for key in keys if key in jobs), None)
        if known is None:
            shown.note(
                f"{line.entry} {line.settings}".strip() + f": not trained again: no run directory in {options.runs}"
            )
            continue
        seeds = new_seeds(section, line, options.new_seeds)
        found += retrain(section, line, read_job(known), seeds, options.runs, work, shown)
    if not found:
        raise BenchError(f"nothing to train again: {options.runs} has no run directory of a method on this board")
    return found


def agreement_lines(found: "list[Agreement]", width: int | None) -> list[str]:
    from bench.boards.text import MISSING, spread

    rows = [["method", "metric", "published", "new seeds", "p", ""]]
    for one in found:
        p = MISSING if one.p is None else f"{one.p:.3f}"
        cells = [one.label, one.metric, spread(list(one.published)), spread(list(one.new)), p]
        rows.append([*cells, "not tested" if one.p is None else "agrees" if one.agrees else "disagrees"])
    tested = [one for one in found if one.p is not None]
    count = sum(one.agrees for one in tested)
    legend = "p: how likely so large a difference is if both are alike (Student's test); less than 5 % over all metrics of a method disagrees"
    return [*columns(rows, width), "", *fold(legend, width), f"{count} of {len(tested)} metrics agree"]
