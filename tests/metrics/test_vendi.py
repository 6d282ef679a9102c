"""The Vendi score: closed forms, and the definition by the whole matrix of cosines."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from bench.errors import BenchError
from bench.metrics.vendi import vendi, vendi_score


def directions(n: int, d: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, d))


def test_one_direction_is_one_image():
    assert vendi_score(np.outer([1.0, 2.0, 5.0], [3.0, 4.0])) == pytest.approx(1)


@pytest.mark.parametrize("copies", [1, 3])
def test_orthogonal_rows_are_as_many_images_however_often_each_occurs(copies: int):
    assert vendi_score(np.eye(5).repeat(copies, 0) * 7) == pytest.approx(5)


def test_the_score_of_unequal_shares_is_the_exponential_of_their_entropy():
    shares = np.array([0.5, 0.3, 0.2])
    rows = np.eye(3).repeat([5, 3, 2], 0)
    assert vendi_score(rows) == pytest.approx(np.exp(-(shares * np.log(shares)).sum()))


@given(st.integers(1, 12), st.integers(1, 12), st.integers(0, 9))
def test_fewer_or_more_images_than_features_follow_the_definition(n: int, d: int, seed: int):
    rows = directions(n, d, seed)
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    values = np.linalg.eigvalsh(unit @ unit.T / n).clip(1e-300)
    assert vendi_score(rows) == pytest.approx(np.exp(-(values * np.log(values)).sum()), rel=1e-6)
    assert 1 - 1e-9 <= vendi_score(rows) <= min(n, d) + 1e-9


def test_order_and_length_of_the_rows_change_nothing():
    rows = directions(30, 10)
    assert vendi_score(rows[::-1] * np.arange(1, 31)[:, None]) == pytest.approx(vendi_score(rows))


def test_rows_without_a_direction_are_refused():
    with pytest.raises(BenchError, match="none of them all zero"):
        vendi_score(np.zeros((3, 4)))
    with pytest.raises(BenchError, match="at least one image"):
        vendi_score(np.zeros((0, 4)))


def test_one_image_repeated_scores_one_and_real_images_more(make_context, dataset):
    score = vendi("judge")
    repeated = dataset.train[torch.zeros(60, dtype=torch.int64)]
    assert score(make_context(samples=repeated)).value == pytest.approx(1)
    assert score(make_context(samples=dataset.train[:60])).value > 1.2
