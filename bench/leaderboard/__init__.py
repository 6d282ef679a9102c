"""Boards: records to tidy CSV files, and these to Markdown, the terminal and JSON. The CSV file is the truth."""

from bench.leaderboard.files import board_path, boards, check_board, merge, merge_boards, read
from bench.leaderboard.markdown import render, to_markdown
from bench.leaderboard.terminal import board_text, to_json

__all__ = [
    "board_path", "board_text", "boards", "check_board", "merge", "merge_boards", "read", "render", "to_json", "to_markdown",
]  # fmt: skip
