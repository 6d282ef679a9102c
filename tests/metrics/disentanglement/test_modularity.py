"""Modularity of representations for which it is known."""

import numpy as np
import pytest

from bench.metrics.disentanglement.modularity import modularity


def test_codes_of_one_factor_each_have_1(factors, kinds):
    assert modularity(factors, factors, kinds).value == pytest.approx(1, abs=0.001)
    assert modularity(np.hstack([factors, -factors]), factors, kinds).value == pytest.approx(1, abs=0.001)


def test_a_code_of_all_factors_alike_has_0():
    """The code names the cell of a full grid of three factors of two values: one bit of each."""
    grid = np.stack(np.meshgrid([0, 1], [0, 1], [0, 1]), axis=-1).reshape(-1, 3).repeat(10, axis=0)
    code = grid @ [1.0, 2.0, 4.0]
    assert modularity(code[:, None], grid.astype(float), ["categorical"] * 3).value == pytest.approx(0, abs=1e-12)


def test_a_code_of_two_of_three_factors_has_a_half():
    grid = np.stack(np.meshgrid([0, 1], [0, 1], [0, 1]), axis=-1).reshape(-1, 3).repeat(10, axis=0)
    code = grid @ [1.0, 2.0, 0.0]
    assert modularity(code[:, None], grid.astype(float), ["categorical"] * 3).value == pytest.approx(0.5, abs=1e-12)
