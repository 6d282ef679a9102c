"""Print a board, and say where its page, its rows and its samples are."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

from bench.cli.console import show, terminal_width
from bench.util.columns import columns

if TYPE_CHECKING:
    from bench.results.record import Record


def show_board(records: "list[Record]", boards: Path, runs: Path, everything: bool) -> None:
    """The board, and the paths of its page, its rows and the samples of its methods."""
    from bench.boards import board_path, board_text
    from bench.boards.folders import PUBLISHED, own_boards
    from bench.util.text import one_line

    rows = board_path(boards, records[0].dataset) if records else None
    paths = [("rows", str(rows))] if rows else []
    if rows and (page := rows.with_name(rows.stem + ".html")).is_file():
        paths.insert(0, ("page", str(page)))
    paths += [(f"samples of {one_line(name)}", str(path)) for name, path in sample_sheets(runs, records).items()]
    if rows and boards == own_boards(runs) and board_path(PUBLISHED, records[0].dataset).exists():
        paths.append(("with published rows", f"bench leaderboard {one_line(records[0].dataset)} --with mine"))
    text = board_text(records, terminal_width(), everything)
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
