"""Boards: records to tidy CSV files, and these to Markdown, the terminal and JSON. The CSV file is the truth."""

from bench.boards.files import add, board_path, boards, check_board, merge, merge_boards, merge_rows, read
from bench.boards.html_table import to_html
from bench.boards.latex import to_latex
from bench.boards.markdown import render, to_markdown
from bench.boards.rows import encode
from bench.boards.terminal import board_text, to_json

__all__ = [
    "add", "board_path", "board_text", "boards", "check_board", "encode", "merge", "merge_boards", "merge_rows", "read", "render", "to_html", "to_json",
    "to_latex", "to_markdown",
]  # fmt: skip
