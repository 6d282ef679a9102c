"""Ranks in closed form, and what they do where little is known."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.boards.ranks import positions, rank, tie_groups

Values = dict[int, float | None]


def seeds(*values: float | None) -> Values:
    return dict(enumerate(values))


def test_positions_in_closed_form() -> None:
    assert positions([3.0, 1.0, 2.0]) == [3, 1, 2]
    assert positions([1.0, 1.0, 2.0]) == [1.5, 1.5, 3]
    assert positions([None, 5.0, None, float("inf")]) == [3.5, 1, 3.5, 2]
    assert positions([]) == []


@settings(deadline=None, max_examples=50)
@given(st.lists(st.none() | st.integers(-3, 3).map(float), min_size=1, max_size=8))
def test_ranks_always_add_up_and_missing_is_last(levels: list[float | None]) -> None:
    got = positions(levels)
    assert sum(map(Fraction, got)) == Fraction(len(levels) * (len(levels) + 1), 2)
    known = [place for place, level in zip(got, levels, strict=True) if level is not None]
    missing = [place for place, level in zip(got, levels, strict=True) if level is None]
    assert not known or not missing or max(known) < min(missing)


def test_a_method_that_always_wins_has_rank_one_and_a_group_of_its_own() -> None:
    ranks = rank({"a": {"x": seeds(1, 2, 3), "y": seeds(1, 1, 1)}, "b": {"x": seeds(4, 5, 6), "y": seeds(2, 2, 2)}})
    assert list(ranks) == ["a", "b"]
    assert (ranks["a"].mean, ranks["a"].low, ranks["a"].high, ranks["a"].group) == (1, 1, 1, 1)
    assert (ranks["b"].mean, ranks["b"].low, ranks["b"].high, ranks["b"].group) == (2, 2, 2, 2)


def test_the_mean_is_over_metrics() -> None:
    ranks = rank({"a": {"x": seeds(1), "y": seeds(2)}, "b": {"x": seeds(2), "y": seeds(1)}, "c": {"x": seeds(3)}})
    assert {method: row.mean for method, row in ranks.items()} == {"a": 1.5, "b": 1.5, "c": 3}


def test_equal_methods_tie() -> None:
    ranks = rank({"a": {"x": seeds(1, 3)}, "b": {"x": seeds(3, 1)}})
    assert [(row.mean, row.low, row.high, row.group) for row in ranks.values()] == [(1.5, 1, 2, 1)] * 2


def test_the_interval_is_that_of_the_bootstrap() -> None:
    # a wins unless all three draws are its seed of 9: 1 of 27 draws, 3.7 % > 2.5 %
    ranks = rank({"a": {"x": seeds(1, 1, 9)}, "b": {"x": seeds(8, 8, 8)}}, draws=4000)
    assert (ranks["a"].mean, ranks["a"].low, ranks["a"].high) == (1, 1, 2)
    # with four seeds: 1 of 256, 0.4 % < 2.5 %
    ranks = rank({"a": {"x": seeds(1, 1, 1, 9)}, "b": {"x": seeds(8, 8, 8, 8)}}, draws=4000)
    assert (ranks["a"].mean, ranks["a"].low, ranks["a"].high) == (1, 1, 1)


def test_seeds_are_drawn_alike_for_all_metrics() -> None:
    # on one seed a is far better in both, on the other far worse: never first in one and second in the other
    scores = {"a": {"x": seeds(0, 10), "y": seeds(0, 10)}, "b": {"x": seeds(4, 4), "y": seeds(4, 4)}}
    ranks = rank(scores)
    assert (ranks["a"].low, ranks["a"].high) == (1, 2)


def test_a_failed_seed_ranks_the_method_last_on_that_metric() -> None:
    ranks = rank({"a": {"x": seeds(1, 1, None)}, "b": {"x": seeds(5, 5, 5)}, "c": {"x": seeds(9, 9, float("nan"))}})
    assert [(method, row.mean) for method, row in ranks.items()] == [("b", 1), ("a", 2.5), ("c", 2.5)]


def test_the_same_numbers_give_the_same_intervals() -> None:
    scores = {
        name: {"x": seeds(*(hash_ * k % 7 for k in range(1, 4)))}
        for name, hash_ in zip("abcd", (3, 5, 2, 6), strict=True)
    }
    assert rank(scores) == rank(scores)


def test_one_seed_has_no_interval_and_no_group() -> None:
    ranks = rank({"a": {"x": seeds(1)}, "b": {"x": seeds(2, 3)}})
    assert (ranks["a"].low, ranks["a"].high, ranks["a"].group, ranks["a"].seeds) == (None, None, None, 1)
    assert (ranks["b"].low, ranks["b"].group, ranks["b"].seeds) == (2, 1, 2)


def test_a_method_that_measured_nothing_is_last() -> None:
    ranks = rank({"a": {}, "b": {"x": seeds(2, 3)}})
    assert [(method, row.mean, row.seeds) for method, row in ranks.items()] == [("b", 1, 2), ("a", 2, 0)]


def test_groups_follow_chains_of_overlap() -> None:
    intervals = {"d": (7.0, 8.0), "a": (1.0, 2.0), "b": (2.0, 4.0), "c": (3.0, 5.0), "e": (6.0, 9.0)}
    assert tie_groups(intervals) == {"a": 1, "b": 1, "c": 1, "e": 2, "d": 2}
    assert tie_groups({}) == {}


def test_nothing_to_rank_by_ranks_nothing() -> None:
    assert rank({}) == rank({"a": {}, "b": {}}) == {}


@pytest.mark.parametrize("count", [2, 30])
def test_many_methods_stay_quick_to_rank(count: int) -> None:
    scores = {f"m{i}": {f"x{j}": seeds(i, i + 1, i + 2) for j in range(6)} for i in range(count)}
    assert [row.mean for row in rank(scores).values()] == [float(i) for i in range(1, count + 1)]
