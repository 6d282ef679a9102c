"""Boards in the terminal: no line is wider than the terminal, and no number is cut."""

import json
import math
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bench.boards import board_text, read, to_json
from bench.boards.headline import HEADLINE, headline
from bench.boards.numbers import align, fixed
from bench.boards.ranks import rank
from bench.boards.view import sections
from bench.results.record import Record

Make = Callable[..., Record]
BOARDS = sorted((Path(__file__).parents[2] / "leaderboards").glob("*.csv"))
WIDTHS = (60, 80, 120, 200, None)


def headline_numbers(records: list[Record]) -> list[str]:
    """The mean of every headline cell, as it should be printed."""
    found = []
    for section in sections(records):
        for column in headline(section):
            cells = [section.cell(line, column).values for line in section.lines]
            found += [number.mean for number in align(cells, [not line.anchor for line in section.lines]) if number]
    return found


@pytest.fixture
def few_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    """Intervals of ranks that are quick to compute: their values do not matter to a layout."""
    monkeypatch.setattr("bench.boards.view.rank", partial(rank, draws=10))


def widest(text: str) -> int:
    return max(map(len, text.splitlines()))


@pytest.mark.parametrize(("width", "everything"), [*((width, False) for width in WIDTHS), (60, True), (80, True)])
@pytest.mark.parametrize("path", BOARDS, ids=lambda path: path.stem)
@pytest.mark.usefixtures("few_draws")
def test_a_published_board_fits_the_width_and_shows_every_number_whole(
    path: Path, width: int | None, everything: bool
) -> None:
    records = read(path)
    text = board_text(records, width, everything)
    assert width is None or widest(text) <= width
    assert "…" not in text
    words = text.split()
    numbers = headline_numbers(records)
    assert len(numbers) >= 20
    assert {number: words.count(number) for number in numbers if words.count(number) < numbers.count(number)} == {}


@settings(deadline=None, max_examples=30)
@given(
    st.lists(
        st.tuples(
            st.text("abc-[]=", min_size=1, max_size=60),
            st.lists(st.floats(), min_size=1, max_size=3),
        ),
        min_size=1,
        max_size=5,
    ),
    st.integers(60, 200),
)
@pytest.mark.usefixtures("table", "few_draws")
def test_any_board_fits_the_width(make: Make, rows: list[tuple[str, list[float]]], width: int) -> None:
    records = [
        make(entry=entry, settings=entry, seed=seed, metric=metric, value=value)
        for entry, values in rows for seed, value in enumerate(values) for metric in ("fd-lite0", "class-agreement")
    ]  # fmt: skip
    text = board_text(records, width)
    words = text.split()
    assert widest(text) <= width
    assert all(number in words for number in headline_numbers(records))


@pytest.mark.usefixtures("table")
def test_one_seed_is_said_once_and_ranks_nobody(make: Make) -> None:
    text = board_text(
        [make(entry=entry, metric=metric) for entry in "ab" for metric in ("fd-lite0", "class-agreement")]
    )
    assert text.splitlines()[0] == "sprites · budget quick · CPU · judge resnet@22 · 1 seed"
    assert text.count("1 seed") == 1
    assert "rank" not in text
    assert "±" not in text


@pytest.mark.usefixtures("table")
def test_ranks_need_two_seeds_and_a_budget_above_smoke(make: Make) -> None:
    def ranked(seeds: int, budget: str) -> bool:
        rows = [make(entry=entry, seed=seed, budget=budget) for entry in "ab" for seed in range(seeds)]
        return "mean rank" in board_text(rows)

    assert ranked(2, "quick")
    assert not ranked(1, "quick")
    assert not ranked(2, "smoke")


@pytest.mark.usefixtures("table")
def test_smoke_says_that_it_says_nothing(make: Make) -> None:
    warning = "Budget smoke: these numbers say nothing about quality."
    assert warning in board_text([make(budget="smoke")])
    assert warning not in board_text([make()])


@pytest.mark.usefixtures("table")
def test_a_classifier_is_not_ranked_with_generators(make: Make) -> None:
    rows = [make(entry=entry, seed=seed) for entry in "ab" for seed in (0, 1)]
    rows += [make(entry="only-labels", seed=seed, status="skipped") for seed in (0, 1)]
    rows += [make(entry="only-labels", seed=seed, metric="accuracy") for seed in (0, 1)]
    [section] = sections(rows)
    assert [line.entry for line in section.ranks] == ["a", "b"]
    assert [line.entry for line in section.lines] == ["a", "b", "only-labels"]


@pytest.mark.usefixtures("table")
def test_a_deviation_is_shown_only_if_it_does_not_round_to_zero(make: Make) -> None:
    def cell(*values: float) -> str:
        text = board_text([make(seed=seed, value=value) for seed, value in enumerate(values)])
        return next(line for line in text.splitlines() if line.startswith("regene")).removeprefix("regene").strip()

    assert cell(100, 120, 140) == "120 ± 20"
    assert cell(139.4, 139.4) == "139"
    assert cell(139.4, 139.4 + 1e-9) == "139"


@pytest.mark.usefixtures("table")
def test_costs_stand_apart_and_only_if_everything_is_asked_for(make: Make) -> None:
    rows = [make(metric=metric) for metric in ("fd-lite0", "diversity-ratio", "train-seconds")]
    assert "train-seconds" not in board_text(rows)
    assert "2 more metrics and costs: --all" in board_text(rows)
    before, costs = board_text(rows, everything=True).split("\ncosts (comparable on one device only)\n")
    assert "diversity-ratio" in before
    assert "train-seconds" in costs
    assert "train-seconds" not in before
    assert "--all" not in costs


@pytest.mark.usefixtures("table")
def test_a_failure_has_a_number_and_a_reason(make: Make) -> None:
    rows = [make(entry=entry) for entry in "ab"]
    text = board_text([*rows, make(entry="b", seed=1, status="diverged", reason="loss = nan"),
                       make(entry="c", status="killed", reason="SIGKILL")])  # fmt: skip
    lines = text.splitlines()
    assert re.fullmatch(r"b +1\.5.* \[1\]", next(line for line in lines if line.startswith("b ")))
    assert next(line for line in lines if line.startswith("c ")).endswith("failed [2]")
    assert "[1] b, seed 1, fd-lite0: diverged: loss = nan" in lines
    assert "[2] c, seed 0, fd-lite0: killed: SIGKILL" in lines


@pytest.mark.usefixtures("table")
def test_the_summary_names_the_best_and_who_ties_with_it(make: Make) -> None:
    values = {"a": (1.0, 3.0), "b": (2.0, 3.0), "c": (8.0, 9.0)}
    rows = [make(entry=entry, seed=seed, value=value) for entry in values for seed, value in enumerate(values[entry])]
    assert "Best: fd-lite0 a ≈ b." in board_text(rows)
    assert "Best: fd-lite0 a." in board_text([row for row in rows if row.seed == 0])


@pytest.mark.usefixtures("table")
def test_the_summary_names_methods_outside_the_anchors(make: Make) -> None:
    def told(value: float) -> str:
        rows = {"real": 10.0, "mean": 100.0, "m": value}
        return board_text([make(entry=entry, value=value) for entry, value in rows.items()])

    assert "Every method lies between real and mean." in told(50.0)
    assert "Outside real..mean: m (better than real: fd-lite0)." in told(5.0)
    assert "Outside real..mean: m (worse than mean: fd-lite0)." in told(101.0)


@pytest.mark.usefixtures("table")
def test_a_group_and_an_interval_belong_to_each_rank(make: Make) -> None:
    values = {"a": (1.0, 1.1), "b": (9.0, 9.1)}
    rows = [make(entry=entry, seed=seed, value=value) for entry in values for seed, value in enumerate(values[entry])]
    text = board_text(rows)
    assert re.search(r"^a +1\.00 +1\.00 to 1\.00 +1$", text, re.MULTILINE)
    assert re.search(r"^b +2\.00 +2\.00 to 2\.00 +2$", text, re.MULTILINE)


@pytest.mark.parametrize(
    ("value", "places", "text"),
    [
        (1722.4, 0, "1,722"), (0.0146, 4, "0.0146"), (0.0, 2, "0.00"), (-0.0, 2, "0.00"), (0.001, 2, "<0.01"),
        (-0.001, 2, ">-0.01"), (3.2e12, 0, "3.20e+12"), (math.inf, 1, "∞"), (-math.inf, 1, "-∞"), (math.nan, 1, "nan"),
    ],
)  # fmt: skip
def test_a_number_has_the_decimals_of_its_column(value: float, places: int, text: str) -> None:
    assert fixed(value, places) == text


def test_the_headline_metrics_exist() -> None:
    from bench.metrics import METRICS

    assert set(HEADLINE) <= {metric.name for metric in METRICS}


@pytest.mark.usefixtures("table")
def test_escapes_stay_text(make: Make) -> None:
    text = board_text([make(entry="[red]x[/red]", status="failed", reason="[bold]\x1b[2J[/nope]"), make()])
    assert "[red]x[/red]" in text
    assert "[bold]\\x1b[2J[/nope]" in text
    assert "\x1b" not in text


def test_no_records_print_nothing() -> None:
    assert board_text([]) == ""


def test_json_is_json_and_has_every_field(make: Make) -> None:
    rows = [make(value=0.1 + 0.2), make(value=math.inf), make(status="failed", reason="\ud800 \x1b")]
    back = json.loads(to_json(rows))
    assert back[0] == rows[0].to_dict()
    assert [row["value"] for row in back] == [0.1 + 0.2, None, None]
    assert to_json([]) == "[]"


@example([([8.988465674311579e307, 8.98846567431158e307], True)])  # their sum is too large for a float
@example([([-1.7e308, 1.7e308], True)])  # and so is the deviation of these
@given(st.lists(st.tuples(st.lists(st.floats(allow_nan=False), max_size=3), st.booleans()), min_size=1, max_size=5))
def test_every_column_of_numbers_can_be_shown(lines: list[tuple[list[float], bool]]) -> None:
    cells, methods = [values for values, _ in lines], [method for _, method in lines]
    assert [number is not None for number in align(cells, methods)] == [bool(values) for values in cells]


def test_values_that_cancel_show_their_deviation() -> None:
    assert align([[-0.01, 0.01]], [True]) == [("0.0000", "0.0141")]
