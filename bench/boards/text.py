"""Text and numbers as a board shows them: nothing in a record may break a line, a table or a terminal."""

import math
from urllib.parse import quote

from bench.boards.over_seeds import deviation, mean
from bench.util.text import shown

MISSING = "–"
ROUNDING = 1e-6  # a deviation of less than this share of the mean is the rounding of float32
GIVEN_IMAGES = "[images=...]: external images; no model was trained here."


def markdown(text: str) -> str:
    """What any text of a record looks like in Markdown: every mark that could mean something is escaped."""
    escaped = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "@": "&#64;", "://": "&#58;//", "www.": "www&#46;"}
    line = "".join("\\" + char if char in r"\`*_[]#|~$" else char for char in shown(text))
    for mark, entity in escaped.items():
        line = line.replace(mark, entity)
    return line


def link(name: str) -> str:
    """A file name as the target of a Markdown link."""
    return quote(name, safe="@+=,~-_.")


def number(value: float, decimals: int | None = None) -> str:
    """Four significant digits, or the given number of decimals, with commas between thousands."""
    if math.isnan(value):
        return "nan"
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    if value and not 1e-4 <= abs(value) < 1e9:
        return f"{value:.3g}"
    if decimals is None:
        decimals = 0 if float(value).is_integer() else _decimals(value, 4)
    text = f"{value:,.{decimals}f}"
    return text.replace("-0", "0", 1) if not float(text.replace(",", "")) else text


def spread(values: list[float]) -> str:
    """Mean ± standard deviation: two significant digits of the deviation, the mean to the same place."""
    centre = mean(values)
    if len(values) < 2 or not math.isfinite(centre):
        return number(centre)
    error = deviation(values)
    if error <= ROUNDING * abs(centre):
        return f"{number(centre)} ± 0"
    if not math.isfinite(error):
        return f"{number(centre)} ± {number(error)}"
    decimals = _decimals(error, 2)
    if centre:
        decimals = min(decimals, _decimals(centre, 5))
    return f"{number(centre, decimals)} ± {_deviation(error, decimals)}"


def _deviation(value: float, decimals: int) -> str:
    return number(value, decimals) if float(f"{value:.{decimals}f}") else f"{value:.1g}"


def _decimals(value: float, digits: int) -> int:
    """The number of decimals that show this many significant digits."""
    return max(0, digits - 1 - math.floor(math.log10(abs(value))))
