"""What codes do to images, as sheets: traversals, values added to codes, swaps, and edits of real images."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bench.api import Pixels
from bench.metrics.control.indices import Effects
from bench.metrics.control.pictures import Additions, Edits
from bench.metrics.control.sweeps import Sweeps
from bench.results.effects_table import code_and_attribute, order
from bench.results.sheet import sheet
from bench.util.text import one_line, shorten

if TYPE_CHECKING:
    from PIL.Image import Image

LONGEST = 24  # characters of the name of a class


def traversal_sheet(sweeps: Sweeps, effects: Effects, context: int = 0) -> "Image":
    """Codes by rows, their values by columns, everything else as in one context; left, what a code controls."""
    rows = [(code_and_attribute(effects, code), sweeps.images[code][context]) for code in order(effects)]
    return sheet(rows, [[(0, "value of the code, from low to high")]])


def addition_sheet(additions: Additions, effects: Effects) -> "Image":
    """As traversals, with what is added to a code by columns; only continuous codes have a row."""
    codes = [code for code in order(effects) if code in additions.images]
    rows = [(code_and_attribute(effects, code), additions.images[code]) for code in codes]
    steps = [(column, f"{step:+.1f}" if step else "0") for column, step in enumerate(additions.deviations)]
    caption = "standard deviations added to the code's own value, within its range"
    return sheet(rows, [[(0, caption)], steps], "code: attribute S1")


def swap_sheet(swaps: Pixels) -> "Image":
    """Swaps (rows, columns, c, h, w)."""
    rows = [(f"codes {number}", images) for number, images in enumerate(swaps, 1)]
    return sheet(rows, [[(0, "a row shares the codes, a column shares everything else")]])


def edit_sheet(edits: Edits, effects: Effects, code: int, classes: Sequence[str]) -> "Image":
    """Real images by rows: the image, its decoding, and its decodings with each value of one code."""
    names = [shorten(one_line(classes[label]), LONGEST) for label in edits.labels.tolist()]
    caption = f"real test images with other values of {effects.codes[code]}, which {_in_words(effects, code)}"
    values = "from low to high" if edits.ordered else "each of its values"
    columns = [(0, "real"), (1, "decoded"), (2, f"{effects.codes[code]}, {values}")]
    return sheet(list(zip(names, edits.images, strict=True)), [[(0, caption)], columns], "class")


def _in_words(effects: Effects, code: int) -> str:
    best = int(effects.first[code].argmax())
    explains = f"explains {effects.first[code, best]:.0%} of the variance of {effects.attributes[best]}"
    return explains if effects.live[code] else "has no noticeable effect on an attribute"
