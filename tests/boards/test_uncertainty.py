"""Boards tell the variance of training from that of sampling."""

import math
import random
import statistics

import pytest

from bench.boards.markdown import to_markdown
from bench.boards.notes import Notes
from bench.boards.uncertainty import spread_of, standard_error
from bench.boards.view import sections
from bench.pages.full_tables import full_tables


def test_the_variances_of_training_and_of_sampling_add_up():
    found = spread_of([1.0, 3.0, 5.0], [1.0, 1.0, 1.0])
    assert (found.seeds, found.total, found.sampling) == (3, 2.0, 1.0)
    assert found.training == pytest.approx(math.sqrt(3))
    assert found.training**2 + found.sampling**2 == pytest.approx(found.total**2)


def test_a_spread_that_sampling_explains_leaves_nothing_to_training():
    assert spread_of([1.0, 1.2], [1.0, 1.0]).training == 0


def test_both_are_recovered_from_many_trainings():
    rng = random.Random(0)
    values, within = [], []
    for _ in range(4000):
        centre = rng.gauss(10, 3)
        drawn = [rng.gauss(centre, 2) for _ in range(3)]
        values.append(drawn[0])
        within.append(statistics.stdev(drawn))
    found = spread_of(values, within)
    assert found.training == pytest.approx(3, rel=0.05)
    assert found.sampling == pytest.approx(2, rel=0.05)


def test_one_seed_says_nothing_about_training():
    found = spread_of([4.0], [0.5])
    assert (found.total, found.training, found.sampling) == (None, None, 0.5)
    assert standard_error([4.0], found) == 0.5
    assert standard_error([4.0], None) == 0
    assert standard_error([1.0, 3.0], found) == pytest.approx(1.0)


@pytest.mark.parametrize(("values", "within"), [([], [1.0]), ([1.0], []), ([math.inf], [1.0]), ([1.0], [math.nan])])
def test_without_finite_values_of_both_nothing_is_said(values, within):
    assert spread_of(values, within) is None


@pytest.fixture
def rows(make):
    def build(own: float, deviation: float):
        return [
            make(entry="real", value=10.0), make(value=own), make(metric="sampling-sd", value=deviation),
            make(metric="sampling-sd/recall-lite0", value=0.01), make(metric="recall-lite0", value=0.5),
        ]  # fmt: skip

    return build


@pytest.mark.parametrize(("own", "deviation", "marked"), [(10.9, 0.5, True), (11.1, 0.5, False), (9.0, 0.0, True)])
def test_with_one_seed_the_mark_of_the_floor_uses_the_deviation_of_sampling(rows, own, deviation, marked):
    [section] = sections(rows(own, deviation))
    [line] = [line for line in section.lines if line.entry == "regene"]
    [column] = [column for column in section.columns if column.metric == "fd-lite0"]
    assert section.at_floor(line, column) == marked


def test_a_board_has_a_table_of_them_and_no_column(rows):
    page = to_markdown(rows(12.0, 0.25), "sprites")
    assert "| regene | fd-lite0 | – | – | 0.2500 | 1 |" in page
    assert "| regene | recall-lite0 | – | – | 0.01000 | 1 |" in page
    assert "sampling-sd" not in page
    [section] = sections(rows(12.0, 0.25))
    assert "Variation from training and from sampling" in full_tables(Notes(section), "section-1")


def test_without_such_rows_there_is_no_table(make):
    page = to_markdown([make(), make(seed=1, value=2.0)], "sprites")
    assert "Variation from training" not in page
