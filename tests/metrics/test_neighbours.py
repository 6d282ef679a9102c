"""Nearest neighbours: the same as counting all pairs, also if images repeat or lie far from the origin."""

import numpy as np
import pytest
import torch

from bench.metrics import neighbours, products
from bench.metrics.neighbours import nearest, radii, row_distances

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(neighbours, "ROWS", 16)
    monkeypatch.setattr(products, "SIDE", 16)


def test_radii_are_the_distance_to_the_kth_other_row():
    x = np.random.default_rng(0).normal(size=(50, 6)).astype(np.float32)
    wanted = np.sort(((x[:, None] - x[None]) ** 2).sum(2), axis=1)[:, 3]
    assert radii(x, 3, CPU) == pytest.approx(wanted, rel=1e-4)


def test_a_repeated_row_has_radius_zero():
    x = np.full((40, 6), 3.3, dtype=np.float32)
    assert radii(x, 5, CPU).max() == 0


def test_nearest_finds_the_nearest_far_from_the_origin_too():
    rng = np.random.default_rng(1)
    x, y = (1000 + rng.normal(size=(n, 6)).astype(np.float32) for n in (40, 70))
    wanted = ((x[:, None] - y[None]) ** 2).sum(2).argmin(1)
    assert (nearest(x, y, CPU) == wanted).all()


def test_equal_rows_are_exactly_zero_apart():
    x = np.random.default_rng(2).normal(size=(9, 6)).astype(np.float32) * 1e4
    assert (row_distances(x, x.copy()) == 0).all()
    assert row_distances(np.zeros((1, 2)), np.array([[3.0, 4.0]])) == pytest.approx([5])
