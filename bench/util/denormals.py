"""Numbers below the smallest normal float: arithmetic with them can be a hundred times slower on a CPU."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def flushed_denormals() -> Iterator[None]:
    """Take them as 0 in this thread, if its CPU can.

    Weights that have stopped learning have them: their moments shrink in each step, and products with them become slow.
    """
    before = are_flushed()
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(before)


def are_flushed() -> bool:
    """Whether this thread takes them as 0."""
    return float(torch.tensor(1e-39) * 0.5) == 0
