"""`bench leaderboard`: show a board, alone or with others, and write its pages, add rows to it, or list all boards."""

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.cli.add_rows import add_submission, merge_others, update_page
from bench.cli.arguments import add_command, add_folders
from bench.cli.console import show
from bench.cli.find_board import add_with, find_board, find_rows, readable, written
from bench.cli.show_board import show_board
from bench.errors import BenchError
from bench.util.columns import columns

if TYPE_CHECKING:
    from bench.results.record import Record

EXAMPLES = """bench leaderboard sprites
bench leaderboard sprites --with mine
bench leaderboard folder:pets --all
bench leaderboard sprites --html
bench leaderboard sprites --format latex
bench leaderboard digits --merge other/digits.csv --dry-run"""


FORMATS = ("text", "markdown", "csv", "latex", "json")
FOLDERS = (
    "leaderboards (default: yours, in the folder of --runs, which --merge and --add change; "
    "or, to read a board that you do not have, published ones in leaderboards)"
)


def add_parser(commands: Any) -> None:
    text = "show a leaderboard and update its page, or list all leaderboards"
    sub = add_command(commands, "leaderboard", leaderboard, text, as_json=True, examples=EXAMPLES)
    sub.add_argument("dataset", nargs="?", help="the data set, as given to run (default: list all leaderboards)")
    add_with(sub)
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
    add_folders(sub, FOLDERS)


def leaderboard(options: argparse.Namespace) -> int:
    if options.dry_run and not (options.merge or options.add):
        raise BenchError("--dry-run: expected --merge FILE or --add FILE")
    if options.add:
        return add_submission(options)
    if options.dataset is None and (options.merge or options.others):
        raise BenchError(f"{'--merge' if options.merge else '--with'}: expected the name of a data set before it")
    if options.merge:
        return merge_others(options)
    if options.html:
        return write_html(options)
    return list_boards(options) if options.dataset is None else show_one(options)


def write_html(options: argparse.Namespace) -> int:
    """Write the pages of one board, or of all in the first folder that has any."""
    from bench.boards import boards
    from bench.pages import write_pages

    if options.dataset:
        folder, name = find_board(options)
        names = [name]
    else:
        folders = readable(options)
        folder = next((folder for folder in folders if boards(folder)), folders[0])
        names = boards(folder)
    if not names:
        raise BenchError(f"no leaderboards in {' or '.join(map(str, folders))}")
    pages, index = [str(write_pages(folder, name, options.runs)) for name in names], str(folder / "index.html")
    print(json.dumps({"pages": pages, "index": index}, indent=1) if options.json else "\n".join([*pages, index]))
    return 0


def list_boards(options: argparse.Namespace) -> int:
    """The names of all boards, and the folders that have them."""
    from bench.boards import boards
    from bench.util.text import one_line

    folders = readable(options)
    found = sorted({name for folder in folders for name in boards(folder)})
    if options.json:
        print(json.dumps(found))
        return 0
    rows = [(one_line(name), ", ".join(str(path) for path in folders if name in boards(path))) for name in found]
    show(columns(rows, None) if rows else [f"no leaderboards in {' or '.join(map(str, folders))}"])
    return 0


def show_one(options: argparse.Namespace) -> int:
    """Print a board. The Markdown of one that the user's own runs write is written anew."""
    from bench.boards import to_json

    folder, dataset, records = find_rows(options)
    if folder == written(options):
        update_page(folder, dataset)
    if options.json:
        print(to_json(records))
    elif options.format == "text":
        show_board(records, folder, options.runs, options.all)
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
