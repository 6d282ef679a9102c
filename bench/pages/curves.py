"""Training curves as small drawings: one for each scalar that a training logged."""

import math

from bench.results.curves import Curve
from bench.results.markup import text

WIDTH, HEIGHT, PAD = 260, 110, 6  # pixels of a drawing
MOST = 200  # points of a line


def drawn(name: str, curve: Curve) -> str:
    """A figure with the curve, its first and last value and its range; empty if nothing is finite."""
    points = [(step, value) for step, value in thinned(curve) if math.isfinite(value)]
    if not points:
        return ""
    low, high = min(value for _, value in points), max(value for _, value in points)
    last = f"last {points[-1][1]:.4g}, from {low:.4g} to {high:.4g}, {points[-1][0]:,} images"
    return (
        f'<figure><svg viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" role="img" aria-label="{text(name)}: {last}">'
        f'<polyline fill="none" stroke="currentColor" stroke-width="1.5" points="{_path(points, low, high)}"/></svg>'
        f"<figcaption>{text(name)}<br>{last}</figcaption></figure>"
    )


def thinned(curve: Curve) -> Curve:
    """At most `MOST` points, the last one among them."""
    step = max(1, math.ceil(len(curve) / MOST))
    return [*curve[:-1:step], *curve[-1:]]


def _path(points: Curve, low: float, high: float) -> str:
    first, reach = points[0][0], max(points[-1][0] - points[0][0], 1)
    span = high - low or 1.0
    across, down = WIDTH - 2 * PAD, HEIGHT - 2 * PAD
    return " ".join(
        f"{PAD + across * (step - first) / reach:.1f},{PAD + down * (high - value) / span:.1f}"
        for step, value in points
    )
