"""Boards in the terminal and as JSON."""

import io
import json
import math
from collections.abc import Callable

import pytest
from rich.console import Console

from bench.leaderboard import table, to_json
from bench.results.record import Record

Make = Callable[..., Record]
pytestmark = pytest.mark.usefixtures("table")


def printed(records: list[Record], width: int = 120) -> str:
    out = io.StringIO()
    Console(file=out, width=width).print(table(records))
    return out.getvalue()


def test_the_terminal_shows_cells_ranks_and_failures(make: Make) -> None:
    rows = [make(entry=entry, metric=metric) for entry in ("a", "b") for metric in ("fd-lite0", "class-agreement")]
    text = printed([*rows, make(entry="b", seed=1, status="diverged", reason="loss = nan")])
    for words in ("sprites · budget quick · CPU · judge resnet@22", "fd-lite0 ↓", "1.500 (1 seed)", "1 failed [1]",
                  "[1] b, seed 1, fd-lite0: diverged: loss = nan", "mean rank: a 1.25, b 1.75"):  # fmt: skip
        assert words in text, words


def test_metrics_run_down_where_methods_are_few_and_across_where_they_are_many(make: Make) -> None:
    few = printed([make(metric=name) for name in ("fd-lite0", "class-agreement")])
    many = printed([make(entry=name) for name in "abc"])
    assert [line.split("│")[1].strip() for line in few.splitlines() if "1.5" in line] == [
        "fd-lite0 ↓",
        "class-agreement ↑",
    ]
    assert [line.split("│")[1].strip() for line in many.splitlines() if "1.5" in line] == ["a", "b", "c"]


def test_markup_and_escapes_stay_text(make: Make) -> None:
    text = printed([make(entry="[red]x[/red]", status="failed", reason="[bold]\x1b[2J[/nope]"), make()])
    assert "[red]x[/red]" in text
    assert "[bold]\\x1b[2J[/nope]" in text
    assert "\x1b" not in text


def test_no_records_print_nothing() -> None:
    assert printed([]).strip() == ""


def test_json_is_json_and_has_every_field(make: Make) -> None:
    rows = [make(value=0.1 + 0.2), make(value=math.inf), make(status="failed", reason="\ud800 \x1b")]
    back = json.loads(to_json(rows))
    assert back[0] == rows[0].to_dict()
    assert [row["value"] for row in back] == [0.1 + 0.2, None, None]
    assert to_json([]) == "[]"
