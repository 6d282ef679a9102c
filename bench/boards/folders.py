"""Folders of boards: that which runs write to, that of published boards, and boards of several folders as one."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from bench.boards.files import board_path, boards, merge_boards
from bench.errors import BenchError, nearest

PUBLISHED = Path("leaderboards")  # in a clone of the repository


def own_boards(runs: Path) -> Path:
    """Where runs write their boards unless they are given a folder: inside that of the run directories."""
    return runs / "leaderboards"


def folder_with(dataset: str, folders: Sequence[Path]) -> Path:
    """The first folder that has the board. Raises `BenchError`, with the nearest name, if none has it."""
    for folder in folders:
        if board_path(folder, dataset).exists():
            return folder
    known = [name for folder in folders for name in boards(folder)]
    places = " or ".join(str(board_path(folder, dataset)) for folder in folders)
    raise BenchError(f"no leaderboard {places}: {nearest(dataset, known)}")


def combine(paths: Sequence[Path], dataset: str, folder: Path) -> None:
    """Write boards of one data set as one board into `folder`, with the pictures and the pages of jobs beside them.

    Of rows in the same place, that of the last board stays. Raises `BenchError` for a board that cannot be read or that
    holds results on other data.
    """
    board_path(folder, dataset).unlink(missing_ok=True)
    merge_boards(folder, dataset, paths)
    for path in paths:
        for part in (f"pictures/{board_path(Path(), dataset, '').name}", "jobs"):
            if (path.parent / part).is_dir():
                shutil.copytree(path.parent / part, folder / part, dirs_exist_ok=True)
