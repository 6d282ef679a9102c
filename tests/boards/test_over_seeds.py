"""Statistics over seeds: closed forms, and no value is too large for a board in any of its forms."""

import math
from collections.abc import Callable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bench.boards import to_markdown
from bench.boards.over_seeds import deviation, mean, same_within_error
from bench.results.record import Record

LARGEST = 1.7976931348623157e308
values = st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=3)


def test_mean_and_deviation_are_those_of_the_sample() -> None:
    assert mean([1.0, 2.0, 6.0]) == 3.0
    assert deviation([1.0, 2.0, 6.0]) == pytest.approx(math.sqrt((4 + 1 + 9) / 2))
    assert deviation([5.0]) == 0.0


def test_values_whose_sum_is_too_large_have_a_mean() -> None:
    assert mean([LARGEST, LARGEST]) == LARGEST
    assert deviation([LARGEST, LARGEST]) == 0.0
    assert deviation([LARGEST, -LARGEST]) == math.inf


def test_values_that_are_not_finite_have_no_deviation() -> None:
    assert mean([math.inf, 1.0]) == math.inf
    assert math.isnan(mean([math.inf, -math.inf]))
    assert math.isnan(deviation([math.inf, 1.0]))


def test_means_are_the_same_within_two_standard_errors() -> None:
    # Each mean has a standard error of 1, so that their difference has one of the square root of 2.
    first = [-1.0, 1.0]
    assert same_within_error(first, [value + 2.82 for value in first])
    assert not same_within_error(first, [value + 2.84 for value in first])
    assert same_within_error([3.0], [3.0])
    assert not same_within_error([3.0], [3.0000001])


@settings(deadline=None, max_examples=30)
@given(st.lists(values, min_size=2, max_size=4))
@example([[8.988465674311579e307, 8.98846567431158e307], [-LARGEST, LARGEST]])
@pytest.mark.usefixtures("table")
def test_a_page_shows_values_of_any_size(make: Callable[..., Record], rows: list[list[float]]) -> None:
    records = [
        make(entry=f"method{index}", seed=seed, metric=metric, value=value)
        for index, row in enumerate(rows) for seed, value in enumerate(row) for metric in ("fd-lite0", "class-agreement")
    ]  # fmt: skip
    page = to_markdown(records, "sprites")
    assert all(f"method{index}" in page for index in range(len(rows)))
