"""The second judge on a board: how far it agrees, and the methods whose ranks it rules out."""

from collections.abc import Callable, Sequence

import pytest

from bench.boards.markdown import to_markdown
from bench.boards.notes import Notes
from bench.boards.terminal import board_text
from bench.boards.two_judges import MARK, MEANING
from bench.boards.view import sections
from bench.results.record import Record

Make = Callable[..., Record]
Values = dict[str, Sequence[float]]  # of methods, over seeds
FIRST = {"regene": [1.0, 1.1], "stic": [2.0, 2.1], "cvae": [3.0, 3.1], "gmm": [4.0, 4.1]}
SAME = {"regene": [10, 11], "stic": [25, 26], "cvae": [38, 39], "gmm": [90, 91]}
MOVED = {"regene": [90, 91], "stic": [25, 26], "cvae": [38, 39], "gmm": [40, 41]}  # regene is the last
UNSURE = {"regene": [10, 91], "stic": [25, 26], "cvae": [38, 39], "gmm": [40, 41]}  # regene is the last with one seed


def board(make: Make, second: Values, first: Values = FIRST, **changes: object) -> list[Record]:
    protocols = {"fd-judge": "fd@judge:n=2000,ref=5000:v1", "fd-judge2": "fd@judge2:n=2000,ref=5000,net=convnext-s:v1"}
    return [
        make(entry=entry, metric=metric, protocol=protocols[metric], value=float(value), seed=seed, **changes)
        for metric, values in (("fd-judge", first), ("fd-judge2", second))
        for entry, own in values.items()
        for seed, value in enumerate(own)
    ]


def notes(rows: list[Record]) -> Notes:
    [section] = sections(rows)
    return Notes(section)


def disputed(rows: list[Record]) -> set[str]:
    return {line.entry for each in notes(rows).opinions for line in each.disputed}


def test_judges_that_order_the_methods_alike_dispute_nothing(make: Make) -> None:
    rows = board(make, SAME)
    assert notes(rows).second_judge == (
        "Spearman's rank correlation of the judge and the second judge (convnext-s): fd-judge 1.00 over 4 methods."
    )
    assert disputed(rows) == set()
    assert MARK not in to_markdown(rows, "sprites") + board_text(rows, everything=True)


def test_methods_whose_ranks_lie_outside_of_each_other_s_intervals_are_marked(make: Make) -> None:
    """The ranks of all four change by more than their seeds allow; those of both judges are marked."""
    rows = board(make, MOVED)
    assert disputed(rows) == {"regene", "stic", "cvae", "gmm"}
    page, text = to_markdown(rows, "sprites"), board_text(rows, everything=True)
    assert f"1.050 ± 0.071 {MARK}" in page
    assert f"90.50 ± 0.71 {MARK}" in page
    assert f"{MARK} {MEANING}" in page
    assert "second judge (convnext-s): fd-judge -0.20 over 4 methods" in page
    assert MEANING in text
    assert "fd-judge -0.20 over 4 methods" in text


def test_a_rank_that_its_own_seeds_do_not_settle_is_not_disputed(make: Make) -> None:
    assert "regene" not in disputed(board(make, UNSURE))
    assert "regene" not in disputed(board(make, SAME, first=UNSURE))


def test_one_seed_disputes_nothing(make: Make) -> None:
    first, second = ({entry: own[:1] for entry, own in values.items()} for values in (FIRST, MOVED))
    rows = board(make, second, first)
    assert disputed(rows) == set()
    assert "fd-judge -0.20 over 4 methods" in notes(rows).second_judge


def test_only_methods_with_both_values_are_compared(make: Make) -> None:
    """Without regene the others keep their order."""
    second = {entry: own for entry, own in MOVED.items() if entry != "regene"}
    rows = board(make, second)
    assert disputed(rows) == set()
    assert "fd-judge 1.00 over 3 methods" in notes(rows).second_judge


@pytest.mark.parametrize("second", [{}, {"regene": [1.0]}, {"regene": [1.0, 2.0], "stic": [2.0, 3.0]}])
def test_fewer_than_three_methods_have_no_rank_correlation(make: Make, second: Values) -> None:
    assert notes(board(make, second)).second_judge == ""


def test_a_smoke_run_says_nothing_about_judges(make: Make) -> None:
    rows = board(make, MOVED, budget="smoke")
    assert notes(rows).second_judge == ""
    assert disputed(rows) == set()


def test_values_of_other_numbers_of_images_are_not_compared(make: Make) -> None:
    rows = [row.__class__(**{**row.to_dict(), "protocol": row.protocol.replace("n=2000", "n=500")})
            if row.metric == "fd-judge2" else row for row in board(make, MOVED)]  # fmt: skip
    assert notes(rows).opinions == []
