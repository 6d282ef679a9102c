"""`bench leaderboard`: show a board and update its page, merge boards of other machines into it, or list all boards."""

import argparse
import json
import re
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.cli.arguments import add_command, add_folders
from bench.cli.console import say, show, terminal_width
from bench.errors import BenchError
from bench.util.columns import columns

if TYPE_CHECKING:
    from bench.boards.files import Changes
    from bench.results.record import Record

EXAMPLES = """bench leaderboard sprites
bench leaderboard folder:pets --all
bench leaderboard sprites --html
bench leaderboard sprites --format latex
bench leaderboard digits --merge other/digits.csv --dry-run"""


FORMATS = ("text", "markdown", "csv", "latex", "json")


def add_parser(commands: Any) -> None:
    text = "show a leaderboard and update its page, or list all leaderboards"
    sub = add_command(commands, "leaderboard", leaderboard, text, as_json=True, examples=EXAMPLES)
    sub.add_argument("dataset", nargs="?", help="the data set, as given to run (default: list all leaderboards)")
    sub.add_argument("--all", action="store_true", help="show all metrics and costs, not the headline metrics only")
    sub.add_argument("--html", action="store_true", help="write the pages of this board, or of all, and print where")
    sub.add_argument("--format", choices=FORMATS, default="text", metavar="FORMAT",
        help=f"print it as {', '.join(FORMATS[:-1])} or {FORMATS[-1]} (default: text)")  # fmt: skip
    sub.add_argument("--merge", type=Path, action="append", default=[], metavar="FILE",
        help="add the rows of another board of this data set; can be repeated")  # fmt: skip
    sub.add_argument(
        "--add", type=Path, metavar="FILE", help="check a submission, made by bench submit, and add its rows"
    )
    sub.add_argument("--dry-run", action="store_true", help="print what --merge or --add would change, and stop")
    add_folders(sub)


def leaderboard(options: argparse.Namespace) -> int:
    if options.dry_run and not (options.merge or options.add):
        raise BenchError("--dry-run: expected --merge FILE or --add FILE")
    if options.add:
        return add_submission(options)
    if options.html:
        return write_html(options)
    if options.dataset is None:
        return list_boards(options)
    dataset = board_name(options.leaderboards, options.dataset)
    return merge_others(options, dataset) if options.merge else show_one(options, dataset)


def write_html(options: argparse.Namespace) -> int:
    """Write the pages of one board, or of all."""
    from bench.boards import boards
    from bench.pages import write_pages

    named = [board_name(options.leaderboards, options.dataset)] if options.dataset else boards(options.leaderboards)
    if not named:
        raise BenchError(f"no leaderboards in {options.leaderboards}")
    written = [str(write_pages(options.leaderboards, name, options.runs)) for name in named]
    index = str(options.leaderboards / "index.html")
    print(json.dumps({"pages": written, "index": index}, indent=1) if options.json else "\n".join([*written, index]))
    return 0


def list_boards(options: argparse.Namespace) -> int:
    from bench.boards import boards
    from bench.util.text import one_line

    if options.merge:
        raise BenchError("--merge: expected the name of a data set before it")
    found = boards(options.leaderboards)
    names = [one_line(name) for name in found]
    print(json.dumps(found) if options.json else "\n".join(names) or f"no leaderboards in {options.leaderboards}")
    return 0


def board_name(folder: Path, text: str) -> str:
    """The name of a board, or of that of the data set that `bench run --dataset` calls so."""
    from bench.boards import board_path

    if board_path(folder, text).exists():
        return text
    from bench.experiment.request import DatasetRef
    from bench.registry.plugins import Plugins

    ref = DatasetRef.parse(text)
    try:
        name = Plugins().find("datasets", ref.base).target(ref.argument).spec_name
    except BenchError:
        return text  # `read` says which boards there are
    return name if ref.labels is None else f"{name}@{ref.labels}"


def show_one(options: argparse.Namespace, dataset: str) -> int:
    from bench.boards import board_path, read, to_json

    records = read(board_path(options.leaderboards, dataset))
    update_page(options.leaderboards, dataset)
    if options.json:
        print(to_json(records))
    elif options.format == "text":
        show_board(options, records)
    else:
        sys.stdout.write(formatted(records, dataset, options.format, options.all))
    return 0


def formatted(records: "list[Record]", dataset: str, kind: str, everything: bool) -> str:
    """The whole board in one of `FORMATS` other than text."""
    from bench.boards import encode, to_json, to_latex, to_markdown

    if kind == "markdown":
        return to_markdown(records, dataset)
    if kind == "latex":
        return to_latex(records, everything)
    return encode(records).decode() if kind == "csv" else to_json(records) + "\n"


def update_page(folder: Path, dataset: str) -> None:
    from bench.boards import render

    try:
        render(folder, dataset)
    except BenchError as error:  # who may not write may still read
        say(f"could not update the page: {error}")


def merge_others(options: argparse.Namespace, dataset: str) -> int:
    """Merge the boards of `--merge` into that of the data set, and say how many rows changed."""
    from bench.boards import merge_boards

    changes = merge_boards(options.leaderboards, dataset, options.merge, options.dry_run)
    if not options.dry_run:
        update_page(options.leaderboards, dataset)
    return tell_changes(options, dataset, changes)


def tell_changes(options: argparse.Namespace, dataset: str, changes: "Changes") -> int:
    """Say how many rows changed."""
    from bench.boards import board_path

    board = board_path(options.leaderboards, dataset)
    if options.json:
        print(json.dumps({"board": str(board), "dry_run": options.dry_run, **asdict(changes)}, indent=1))
        return 0
    counts = f"rows added {changes.added:,}, replaced {changes.replaced:,}, unchanged {changes.unchanged:,}"
    show([f"{board}: {counts}", *(["", "Dry run: nothing was written."] if options.dry_run else [])])
    return 0


def add_submission(options: argparse.Namespace) -> int:
    """Check a submission and add its rows. Raises `BenchError` for one that is not right, or rows that are there already."""
    from bench.boards import merge_rows
    from bench.boards.submission import check, open_submission

    if options.dataset or options.merge:
        raise BenchError("--add: expected neither a data set nor --merge: the file names its board")
    submission = open_submission(options.add)
    check(submission)
    dataset = submission.records[0].dataset
    foreseen = merge_rows(options.leaderboards, dataset, submission.records, dry_run=True)
    if foreseen.replaced:
        raise BenchError(
            f"{options.add}: {foreseen.replaced:,} rows are on the board {dataset} already, with other values"
        )
    if not options.dry_run:
        merge_rows(options.leaderboards, dataset, submission.records)
        update_page(options.leaderboards, dataset)
    return tell_changes(options, dataset, foreseen)


def show_board(options: argparse.Namespace, records: "list[Record]") -> None:
    """The board, and the paths of its page, its rows and the samples of its methods."""
    from bench.boards import board_path, board_text
    from bench.util.text import one_line

    rows = board_path(options.leaderboards, records[0].dataset) if records else None
    paths = [("rows", str(rows))] if rows else []
    if rows and (page := rows.with_name(rows.stem + ".html")).is_file():
        paths.insert(0, ("page", str(page)))
    paths += [
        (f"samples of {one_line(name)}", str(path)) for name, path in sample_sheets(options.runs, records).items()
    ]
    text = board_text(records, terminal_width(), options.all)
    show([text, "", *columns(paths, None)], {r"^[^ ]+ · .*": "bold", r"failed \[.*?\]": "red"})


def sample_sheets(runs: Path, records: "list[Record]") -> dict[str, Path]:
    """By method: the picture of the samples of its first seed, if it is in `runs`."""
    from bench.boards.view import ANCHORS

    found: dict[str, Path] = {}
    methods = [record for record in records if record.entry not in ANCHORS]
    for record in sorted(methods, key=lambda record: (record.entry, record.settings, record.seed)):
        if record.metric == "fit" and record.status == "ok" and re.fullmatch("[0-9a-f]{12,}", record.key):
            label = f"{record.entry} {record.settings}".strip()
            for path in sorted(runs.glob(f"*/*/seed*-{record.key[:12]}/samples.png")):
                found.setdefault(label, path)
    return found
