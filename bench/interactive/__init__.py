"""For scripts and notebooks: `bench.run`, `bench.leaderboard` and `bench.add_to_board` return a board that shows itself."""

from bench.interactive.board import Board as Board
from bench.interactive.calls import add_to_board as add_to_board
from bench.interactive.calls import evaluate as evaluate
from bench.interactive.calls import leaderboard as leaderboard
from bench.interactive.calls import run as run
