"""Numbers below the smallest normal float are taken as 0 while networks train, and only then."""

import pytest
import torch
from torch import Tensor

from bench.util.denormals import are_flushed, flushed_denormals

pytestmark = pytest.mark.skipif(not torch.set_flush_denormal(False), reason="this CPU has no such mode")
SMALL = 1e-39


def product() -> Tensor:
    """Of numbers that are too small for a normal float32, in as many elements as a vector instruction has."""
    return torch.full((64,), SMALL) * 0.5


def test_they_are_zero_inside_and_kept_outside():
    assert not are_flushed()
    with flushed_denormals():
        assert are_flushed()
        assert product().abs().max() == 0
    assert not are_flushed()
    assert product().min() > 0


def test_a_second_one_inside_the_first_changes_nothing():
    with flushed_denormals():
        with flushed_denormals():
            pass
        assert are_flushed()


def test_an_error_inside_ends_it_too():
    with pytest.raises(ZeroDivisionError), flushed_denormals():
        _ = 1 / 0
    assert not are_flushed()


def test_numbers_that_are_normal_stay_the_same_to_the_last_bit():
    x = torch.randn(100, 100, generator=torch.Generator().manual_seed(0))
    x[50:] *= 1e-30
    with flushed_denormals():
        found = x @ x[:50].T
    assert torch.equal(found, x @ x[:50].T)
