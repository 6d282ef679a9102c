"""`bench leaderboard --merge` and `--add`: add rows of other machines or other people to a board."""

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from bench.cli.console import say, show
from bench.cli.find_board import board_name, written
from bench.errors import BenchError

if TYPE_CHECKING:
    from bench.boards.files import Changes


def merge_others(options: argparse.Namespace) -> int:
    """Merge the boards of `--merge` into that of the data set, and say how many rows changed."""
    from bench.boards import merge_boards

    folder = written(options)
    dataset = board_name([folder], options.dataset)
    changes = merge_boards(folder, dataset, options.merge, options.dry_run)
    if not options.dry_run:
        update_page(folder, dataset)
    return tell_changes(options, folder, dataset, changes)


def add_submission(options: argparse.Namespace) -> int:
    """Check a submission and add its rows. Raises `BenchError` for one that is not right, or rows that are there already."""
    from bench.boards import merge_rows
    from bench.boards.submission import check, open_submission

    if options.dataset or options.merge:
        raise BenchError("--add: expected neither a data set nor --merge: the file names its board")
    submission, folder = open_submission(options.add), written(options)
    check(submission)
    dataset = submission.records[0].dataset
    foreseen = merge_rows(folder, dataset, submission.records, dry_run=True)
    if foreseen.replaced:
        raise BenchError(
            f"{options.add}: {foreseen.replaced:,} rows are on the board {dataset} already, with other values"
        )
    if not options.dry_run:
        merge_rows(folder, dataset, submission.records)
        update_page(folder, dataset)
    return tell_changes(options, folder, dataset, foreseen)


def tell_changes(options: argparse.Namespace, folder: Path, dataset: str, changes: "Changes") -> int:
    """Say how many rows changed."""
    from bench.boards import board_path

    board = board_path(folder, dataset)
    if options.json:
        print(json.dumps({"board": str(board), "dry_run": options.dry_run, **asdict(changes)}, indent=1))
        return 0
    counts = f"rows added {changes.added:,}, replaced {changes.replaced:,}, unchanged {changes.unchanged:,}"
    show([f"{board}: {counts}", *(["", "Dry run: nothing was written."] if options.dry_run else [])])
    return 0


def update_page(folder: Path, dataset: str) -> None:
    from bench.boards import render

    try:
        render(folder, dataset)
    except BenchError as error:  # who may not write may still read
        say(f"could not update the page: {error}")
