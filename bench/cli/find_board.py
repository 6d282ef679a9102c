"""Which board a command means: one of the user's own, which runs write, a published one, or several as one."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bench.errors import BenchError

if TYPE_CHECKING:
    from bench.results.record import Record


def add_with(sub: argparse.ArgumentParser) -> None:
    """`--with`."""
    sub.add_argument("--with", dest="others", action="append", default=[], metavar="BOARD",
        help="the published board together with: mine, a folder of boards or a CSV file; can be repeated")  # fmt: skip


def written(options: argparse.Namespace) -> Path:
    """The folder of the boards that a command writes to."""
    from bench.boards.folders import own_boards

    chosen: Path | None = options.leaderboards
    return chosen or own_boards(options.runs)


def readable(options: argparse.Namespace) -> list[Path]:
    """The folders in which a command looks for boards, the user's own first."""
    from bench.boards.folders import PUBLISHED

    return [options.leaderboards] if options.leaderboards else [written(options), PUBLISHED]


def find_rows(options: argparse.Namespace) -> "tuple[Path, str, list[Record]]":
    """The folder, the name and the rows of the board that `options.dataset` means."""
    from bench.boards import board_path, read

    folder, name = find_board(options)
    return folder, name, read(board_path(folder, name))


def find_board(options: argparse.Namespace) -> tuple[Path, str]:
    """The folder and the name of the board that `options.dataset` means. Raises `BenchError` if there is none."""
    from bench.boards.folders import folder_with

    if getattr(options, "others", None):
        return combined(options)
    name = board_name(readable(options), options.dataset)
    return folder_with(name, readable(options)), name


def combined(options: argparse.Namespace) -> tuple[Path, str]:
    """Write the published board and those of `--with` as one, and return its folder and its name."""
    from bench.boards import board_path
    from bench.boards.folders import PUBLISHED, combine, own_boards

    own = own_boards(options.runs)
    given = [options.leaderboards or PUBLISHED, *(own if text == "mine" else Path(text) for text in options.others)]
    name = board_name([path for path in given if path.suffix != ".csv"], options.dataset)
    paths = [path if path.suffix == ".csv" else board_path(path, name) for path in given]
    combine(paths, name, own / "combined")
    return own / "combined", name


def board_name(folders: Sequence[Path], text: str) -> str:
    """The name of a board, or of that of the data set that `bench run --dataset` calls so."""
    from bench.boards import board_path

    if any(board_path(folder, text).exists() for folder in folders):
        return text
    from bench.experiment.request import DatasetRef
    from bench.registry.plugins import Plugins

    name, at, split = text.rpartition("@")
    if at and split == "validation":
        return f"{board_name(folders, name)}@{split}"
    ref = DatasetRef.parse(text)
    try:
        name = Plugins().find("datasets", ref.base).target(ref.argument).spec_name
    except BenchError:
        return text  # `folder_with` says which boards there are
    return name if ref.labels is None else f"{name}@{ref.labels}"
