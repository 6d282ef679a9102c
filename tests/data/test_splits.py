"""What is held out."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.data.splits import holdout, quotas, random_keys


def test_random_keys_do_not_depend_on_how_many_are_drawn():
    assert (random_keys(10, 5) == random_keys(1_000, 5)[:10]).all()
    assert (random_keys(10, 5) != random_keys(10, 6)).all()
    assert (random_keys(10, 5, 1) != random_keys(10, 5)).all()


def test_random_keys_are_the_same_on_every_machine():
    assert random_keys(2, 1).tolist() == KEYS


KEYS = [5599841837815857887, 15655913098571550255]


def test_a_tenth_of_every_class_is_held_out():
    labels = np.repeat(np.arange(4), [1000, 500, 300, 200])
    held = holdout(labels, random_keys(2000))
    assert np.bincount(labels[held]).tolist() == [100, 50, 30, 20]


def test_no_more_than_the_cap_is_held_out():
    labels = np.arange(60_000) % 10
    held = holdout(labels, random_keys(60_000))
    assert held.sum() == 5_000
    assert set(np.bincount(labels[held])) == {500}


def test_what_is_held_out_does_not_follow_the_order_of_the_images():
    labels = np.zeros(1000, dtype=np.int64)
    index = np.flatnonzero(holdout(labels, random_keys(1000)))
    assert index.min() < 50
    assert index.max() > 950


def test_an_image_stays_in_its_split_when_images_of_other_classes_come():
    keys = random_keys(300)
    alone = holdout(np.zeros(100, dtype=np.int64), keys[:100])
    together = holdout(np.repeat([0, 1, 2], 100), keys)
    assert (alone == together[:100]).all()


@given(st.lists(st.integers(1, 500), min_size=1, max_size=20), st.integers(0, 2000))
def test_quotas_are_fair(counts: list[int], total: int):
    array = np.array(counts)
    shares = quotas(array, min(total, array.sum()))
    assert ((shares >= 1) & (shares <= array)).all()
    assert shares.sum() <= max(total, 0) + len(counts)
    assert np.abs(shares - min(total, array.sum()) * array / array.sum()).max() <= 1


@pytest.mark.parametrize("total", [0, 1])
def test_every_class_gets_one(total: int):
    assert quotas(np.array([90, 9, 1]), total).tolist() == [1, 1, 1]
