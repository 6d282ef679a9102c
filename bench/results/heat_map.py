"""The effects of codes on attributes as a heat map."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bench.metrics.control.indices import Effects
from bench.results.effects_table import order
from bench.results.picture import TEXT, Text, blank, text_width, written

if TYPE_CHECKING:
    from PIL.Image import Image

CELL = 72, 24  # pixels of a number
PALE, DARK = np.array([247, 251, 255]), np.array([8, 48, 107])
TITLES = "alone (S1)", "with interactions (ST)"


def heat_map(effects: Effects) -> "Image":
    """S1 and ST side by side: codes by rows, attributes by columns, with their names."""
    codes, columns = order(effects), len(effects.attributes)
    names = [effects.codes[code] for code in codes]
    left, up = text_width(names) + 16, 3 * (TEXT + 8)
    wide = columns * CELL[0]
    canvas = blank(up + len(codes) * CELL[1] + 8, left + 2 * wide + 24)
    texts: list[Text] = [(8, 4, "share of the variance of an attribute that a code explains")]
    texts += [(8, up + row * CELL[1] + 6, name) for row, name in enumerate(names)]
    inverted: list[Text] = []
    for panel, table in enumerate((effects.first, effects.total)):
        start = left + panel * (wide + 16)
        texts.append((start, TEXT + 12, TITLES[panel]))
        for column, attribute in enumerate(effects.attributes):
            texts.append((start + column * CELL[0] + 2, 2 * (TEXT + 8) + 2, _cut(attribute)))
            for row, code in enumerate(codes):
                share = float(table[code, column])
                top, beside = up + row * CELL[1], start + column * CELL[0]
                canvas[top : top + CELL[1] - 1, beside : beside + CELL[0] - 1] = _colour(share)
                spot = (beside + CELL[0] // 2 - 12, top + 6, f"{share:.2f}")
                (inverted if share > 0.5 else texts).append(spot)
    return written(canvas, texts, inverted)


def _colour(share: float) -> NDArray[np.uint8]:
    return (PALE + (DARK - PALE) * min(max(share, 0.0), 1.0)).astype(np.uint8)


def _cut(name: str) -> str:
    """A name that fits the width of a cell."""
    return name if text_width([name]) <= CELL[0] - 4 else f"{name[:8]}\u2026"
