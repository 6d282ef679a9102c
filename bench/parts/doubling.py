"""Sides of square images that networks reach by doubling a small map, one convolution of stride 2 for each doubling."""

from bench.errors import BenchError

SMALLEST = 4  # pixels of the smallest map; one of twice as many is halved once more


def doublings(size: int) -> tuple[int, int]:
    """The side s of the smallest map, 4 to 7 pixels, and the number n of doublings, with size = s * 2^n.

    32 gives (4, 3), 28 gives (7, 2). Raises `BenchError` for any other side, with the nearest that would do.
    """
    count = max(0, (size // SMALLEST).bit_length() - 1)
    side = size >> count
    if side >= SMALLEST and side << count == size:
        return side, count
    below, above = side << count, (side + 1) << count
    near = f"nearest are {below} and {above}" if side >= SMALLEST else f"nearest is {SMALLEST}"
    raise BenchError(f"expected a side of 4 to 7 pixels times a power of two, got {size}; the {near}")
