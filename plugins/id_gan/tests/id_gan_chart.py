"""A chart of a few series over labelled values, as SVG: for the README, drawn by measure.py."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT, LEFT, TOP, BOTTOM = 640, 340, 60, 70, 50
COLOURS = "#0b5394", "#b45f06", "#38761d"


@dataclass(frozen=True)
class Series:
    """One value for each label of the axis."""

    name: str
    values: Sequence[float]


def chart(axis: str, labels: Sequence[str], series: Sequence[Series], top: float) -> str:
    """Points joined by lines over a y axis from 0 to `top`; a larger value is written at the upper edge."""
    x = [LEFT + (WIDTH - LEFT - 20) * index / (len(labels) - 1) for index in range(len(labels))]
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">',
             f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>']  # fmt: skip
    parts += [_text(place, HEIGHT - BOTTOM + 18, label, "middle") for place, label in zip(x, labels, strict=True)]
    parts.append(_text((LEFT + WIDTH) / 2, HEIGHT - 10, axis, "middle"))
    for tick in range(5):
        height = _y(tick * top / 4, top)
        parts.append(f'<line x1="{LEFT}" x2="{WIDTH - 20}" y1="{height:.1f}" y2="{height:.1f}" stroke="#dddddd"/>')
        parts.append(_text(LEFT - 6, height + 4, f"{tick * top / 4:.2f}", "end"))
    for index, it in enumerate(series):
        parts += _drawn(it, x, top, COLOURS[index % len(COLOURS)], index)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _drawn(series: Series, x: Sequence[float], top: float, colour: str, index: int) -> list[str]:
    points = [(place, _y(min(value, top), top)) for place, value in zip(x, series.values, strict=True)]
    beyond = [_text(place - 8, _y(top, top) + 4, f"{value:.1f}", "end")
              for place, value in zip(x, series.values, strict=True) if value > top]  # fmt: skip
    line = " ".join(f"{a:.1f},{b:.1f}" for a, b in points)
    dots = [f'<circle cx="{a:.1f}" cy="{b:.1f}" r="3.5" fill="{colour}"/>' for a, b in points]
    legend = [f'<circle cx="{LEFT + 6}" cy="{16 + 18 * index}" r="4" fill="{colour}"/>',
              _text(LEFT + 16, 20 + 18 * index, series.name, "start")]  # fmt: skip
    return [f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>', *dots, *beyond, *legend]


def _y(value: float, top: float) -> float:
    return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value / top


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
