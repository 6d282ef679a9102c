"""Sides that are a small map times a power of two, and no others."""

import pytest

from bench import BenchError
from bench.parts.doubling import doublings


@pytest.mark.parametrize(
    ("size", "wanted"), [(4, (4, 0)), (7, (7, 0)), (8, (4, 1)), (28, (7, 2)), (32, (4, 3)), (48, (6, 3)), (64, (4, 4)),
                         (1024, (4, 8))],
)  # fmt: skip
def test_a_side_is_split_into_a_small_map_and_doublings(size: int, wanted: tuple[int, int]) -> None:
    assert doublings(size) == wanted


def test_every_side_is_split_exactly_or_refused() -> None:
    good = {side << count for side in range(4, 8) for count in range(8)}
    for size in range(1, 400):
        if size in good:
            side, count = doublings(size)
            assert 4 <= side <= 7
            assert side * 2**count == size
        else:
            with pytest.raises(BenchError, match=f"got {size}"):
                doublings(size)


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (30, "got 30; the nearest are 28 and 32"),
        (9, "got 9; the nearest are 8 and 10"),
        (63, "got 63; the nearest are 56 and 64"),
        (3, "got 3; the nearest is 4"),
        (0, "got 0; the nearest is 4"),
    ],
)
def test_the_nearest_sides_that_would_do_are_named(size: int, words: str) -> None:
    with pytest.raises(BenchError, match=f"expected a side of 4 to 7 pixels times a power of two, {words}"):
        doublings(size)
