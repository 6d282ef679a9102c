"""Outlines, their signed distances, and how much of each pixel they cover, for the procedural data sets.

Arrays see only additions, multiplications, divisions, comparisons and square roots, so that images are bit-identical on
every machine; sines and cosines are rounded to a grid coarser than their last bits.
"""

import math
from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Points = list[tuple[float, float]]

TABLE = 129  # samples of a signed distance along each side of its table
REACH = 1.25  # half the side of the table, in circumradii
GRID = 2.0**20  # sines and cosines are rounded to multiples of 1 / GRID
ARC = 48  # points on a full circle


def _arc(radius: float, start: float, stop: float, y: float = 0.0) -> Points:
    """Points on a circle about (0, y), from `start` to `stop` in turns, counter-clockwise from the right."""
    count = max(2, round(abs(stop - start) * ARC) + 1)
    turns = [2 * math.pi * (start + (stop - start) * i / (count - 1)) for i in range(count)]
    return [(radius * math.cos(turn), y + radius * math.sin(turn)) for turn in turns]


def _mirrored(right: Points) -> Points:
    """Close the right half of an outline, given from top to bottom, with its mirror image."""
    return right + [(-x, y) for x, y in reversed(right) if x > 0]


def arrow() -> Points:
    return _mirrored([(0.0, 1.0), (0.8, 0.1), (0.27, 0.1), (0.27, -1.0)])


def crescent() -> Points:
    """The unit disc minus a disc of radius 0.8 whose centre is 0.45 higher."""
    tip = math.asin(0.625) / (2 * math.pi)  # where the circles meet: y = (1 + 0.45^2 - 0.8^2) / (2 * 0.45)
    inner = math.asin((0.625 - 0.45) / 0.8) / (2 * math.pi)
    return _arc(1.0, 0.5 - tip, 1.0 + tip) + _arc(0.8, 1.0 + inner, 0.5 - inner, 0.45)[1:-1]


def cross() -> Points:
    return _mirrored([(0.24, 1.0), (0.24, 0.58), (0.72, 0.58), (0.72, 0.1), (0.24, 0.1), (0.24, -1.0)])


def drop() -> Points:
    """A disc of radius 0.6 and its tangents from a point 1.5 above its centre."""
    touch = math.acos(0.6 / 1.5) / (2 * math.pi)
    return [(0.0, 1.5), *_arc(0.6, 0.25 - touch, -0.75 + touch)]


def half_disc() -> Points:
    return _arc(1.0, 0.0, 0.5)


def heart() -> Points:
    turns = [2 * math.pi * i / ARC for i in range(ARC)]
    return [
        (16 * math.sin(t) ** 3, 13 * math.cos(t) - 5 * math.cos(2 * t) - 2 * math.cos(3 * t) - math.cos(4 * t))
        for t in turns
    ]


def horseshoe() -> Points:
    return [*_arc(1.0, 0.5, 1.0), (1.0, 1.1), (0.55, 1.1), *_arc(0.55, 1.0, 0.5), (-0.55, 1.1), (-1.0, 1.1)]


def triangle() -> Points:
    return [(0.0, 1.0), (0.6, -0.8), (-0.6, -0.8)]


def square() -> Points:
    return [(1.0, 1.0), (1.0, -1.0), (-1.0, -1.0), (-1.0, 1.0)]


def ellipse() -> Points:
    return [(0.5 * x, y) for x, y in _arc(1.0, 0.0, 1.0)[:-1]]


@cache
def distance_table(shape: Callable[[], Points]) -> Floats:
    """Signed distances (negative inside) at TABLE x TABLE points around a shape's centroid, rows going down.

    The shape is scaled to circumradius 1 about its centroid; the table reaches from -REACH to REACH.
    """
    x1, y1 = _centred(np.array(shape())).T[:, :, None]
    x2, y2 = np.roll(x1, -1), np.roll(y1, -1)
    axis = np.linspace(-REACH, REACH, TABLE)
    x, y = np.tile(axis, TABLE), np.repeat(-axis, TABLE)
    along = ((x - x1) * (x2 - x1) + (y - y1) * (y2 - y1)) / ((x2 - x1) ** 2 + (y2 - y1) ** 2)
    along = along.clip(0, 1)
    squared = (x - x1 - along * (x2 - x1)) ** 2 + (y - y1 - along * (y2 - y1)) ** 2
    beside = (y1 > y) != (y2 > y)  # edges that a ray to the right may cross
    crossed = beside & (x < x1 + (y - y1) * (x2 - x1) / np.where(beside, y2 - y1, 1.0))
    inside = crossed.sum(axis=0) % 2 == 1
    distance = np.sqrt(squared.min(axis=0))
    return np.where(inside, -distance, distance).astype(np.float32).reshape(TABLE, TABLE)


def _centred(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Move the centroid of the area to the origin and scale to circumradius 1."""
    x, y = points.T
    cross = x * np.roll(y, -1) - np.roll(x, -1) * y
    centroid = [((v + np.roll(v, -1)) * cross).sum() / (3 * cross.sum()) for v in (x, y)]
    points = points - centroid
    return np.rint(points / np.sqrt((points**2).sum(axis=1).max()) * GRID) / GRID


def rotation(angles: NDArray[np.float64]) -> tuple[Floats, Floats]:
    """Cosines and sines."""
    cosines = np.array([math.cos(angle) for angle in angles])
    sines = np.array([math.sin(angle) for angle in angles])
    return tuple((np.rint(values * GRID) / GRID).astype(np.float32) for values in (cosines, sines))  # type: ignore[return-value]


def signed_distances(tables: Floats, which: NDArray[np.int64], pose: NDArray[np.float64], size: int) -> Floats:
    """Signed distance in pixels from each pixel's centre to the outline, shape (n, size, size).

    `tables` holds a table per shape; `pose` has the columns scale (circumradius) and x, y (centroid, from the left
    and from the top), all in image sides, and the angle in radians, clockwise.
    """
    scale, x, y = pose[:, :3].astype(np.float32).T
    cosine, sine = rotation(pose[:, 3])
    step = np.float32((TABLE - 1) / (2 * REACH)) / scale  # table cells per image side
    centres = ((np.arange(size) + 0.5) / size).astype(np.float32)
    along_x, along_y = (centres - x[:, None]) * step[:, None], (centres - y[:, None]) * step[:, None]
    middle = np.float32((TABLE - 1) / 2)
    column = (cosine[:, None] * along_x + middle)[:, None, :] + (sine[:, None] * along_y)[:, :, None]
    row = (middle - sine[:, None] * along_x)[:, None, :] + (cosine[:, None] * along_y)[:, :, None]
    return _interpolate(tables, which, row, column) * (scale * np.float32(size))[:, None, None]


def _interpolate(tables: Floats, which: NDArray[np.int64], row: Floats, column: Floats) -> Floats:
    """Bilinear look-up at fractional positions; beyond its border a table has the values of its border."""
    top = np.float32(TABLE - 1.001)
    np.clip(row, 0, top, out=row)
    np.clip(column, 0, top, out=column)
    i, j = row.astype(np.int32), column.astype(np.int32)
    row -= i
    column -= j
    place = (which.astype(np.int32) * (TABLE * TABLE))[:, None, None] + i * np.int32(TABLE) + j
    flat = tables.ravel()
    upper, lower = flat.take(place), flat.take(place + TABLE)
    upper += (flat.take(place + 1) - upper) * column
    lower += (flat.take(place + (TABLE + 1)) - lower) * column
    upper += (lower - upper) * row
    return upper


def coverage(distances: Floats) -> Floats:
    """How much of each pixel lies inside: 1 half a pixel inside of the outline, 0 half a pixel outside."""
    return np.clip(np.float32(0.5) - distances, 0, 1)
