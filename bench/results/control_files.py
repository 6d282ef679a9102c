"""What a run directory shows of the codes of a model: traversals, and the matrix of effects as a table and a heat map."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bench.metrics.control.indices import Effects
from bench.metrics.control.sweeps import Sweeps
from bench.util.atomic import write_atomic

if TYPE_CHECKING:
    from PIL.Image import Image

CELL = 72, 24  # pixels of a number in the heat map
TEXT = 12  # pixels
PALE, DARK = np.array([247, 251, 255]), np.array([8, 48, 107])
TITLES = "alone (S1)", "with interactions (ST)"
Pixels = NDArray[np.uint8]


def save_control(folder: Path, sweeps: Sweeps, effects: Effects) -> None:
    """Write traversals.png, control.csv and control.png, each replaced in one step."""
    write_atomic(folder / "traversals.png", _png(traversal_sheet(sweeps, effects)))
    write_atomic(folder / "control.csv", effects_csv(effects).encode())
    write_atomic(folder / "control.png", _png(heat_map(effects)))


def effects_csv(effects: Effects) -> str:
    """One row for each code and attribute: S1, ST, and the rank correlation, which is empty without an order."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["code", "attribute", "S1", "ST", "rank correlation"])
    for k, code in enumerate(effects.codes):
        for j, attribute in enumerate(effects.attributes):
            rank = effects.rank[k, j]
            cells = [f"{effects.first[k, j]:.6g}", f"{effects.total[k, j]:.6g}"]
            writer.writerow([code, attribute, *cells, f"{rank:.6g}" if np.isfinite(rank) else ""])
    return text.getvalue()


def order(effects: Effects) -> list[int]:
    """The codes, those first that control an attribute best."""
    return np.argsort(-effects.first.max(axis=1), kind="stable").tolist()


def traversal_sheet(sweeps: Sweeps, effects: Effects, context: int = 0) -> "Image":
    """Codes by rows, their values by columns, everything else as in one context; left, what a code controls."""
    codes = order(effects)
    scale = max(1, 64 // sweeps.images[0].shape[-1])
    rows = [_strip(sweeps.images[code][context].numpy(), scale) for code in codes]
    labels = [_label(effects, code) for code in codes]
    left, height = _text_width(labels) + 16, rows[0].shape[0]
    width = left + max(row.shape[1] for row in rows)
    sheet = np.full((height * len(rows) + TEXT + 8, width, 3), 255, np.uint8)
    for place, row in enumerate(rows):
        top = place * height + TEXT + 8
        sheet[top : top + height, left : left + row.shape[1]] = row
    texts = [(8, place * height + TEXT + 8 + height // 2 - TEXT // 2, text) for place, text in enumerate(labels)]
    return _written(sheet, [(left, 4, "value of the code, from low to high"), *texts])


def heat_map(effects: Effects) -> "Image":
    """S1 and ST side by side: codes by rows, attributes by columns, with their names."""
    codes, columns = order(effects), len(effects.attributes)
    names = [effects.codes[code] for code in codes]
    left, up = _text_width(names) + 16, 3 * (TEXT + 8)
    wide = columns * CELL[0]
    sheet = np.full((up + len(codes) * CELL[1] + 8, left + 2 * wide + 24, 3), 255, np.uint8)
    texts: list[tuple[int, int, str]] = [(8, 4, "share of the variance of an attribute that a code explains")]
    texts += [(8, up + row * CELL[1] + 6, name) for row, name in enumerate(names)]
    inverted: list[tuple[int, int, str]] = []
    for panel, table in enumerate((effects.first, effects.total)):
        start = left + panel * (wide + 16)
        texts.append((start, TEXT + 12, TITLES[panel]))
        for column, attribute in enumerate(effects.attributes):
            texts.append((start + column * CELL[0] + 2, 2 * (TEXT + 8) + 2, _cut(attribute)))
            for row, code in enumerate(codes):
                share = float(table[code, column])
                top, beside = up + row * CELL[1], start + column * CELL[0]
                sheet[top : top + CELL[1] - 1, beside : beside + CELL[0] - 1] = _colour(share)
                spot = (beside + CELL[0] // 2 - 12, top + 6, f"{share:.2f}")
                (inverted if share > 0.5 else texts).append(spot)
    return _written(sheet, texts, inverted)


def _strip(images: Pixels, scale: int) -> Pixels:
    """Images (m, c, h, w) beside each other, enlarged, one pixel apart: (h, w, 3)."""
    images = np.broadcast_to(images, (len(images), 3, *images.shape[2:])) if images.shape[1] == 1 else images
    images = images.repeat(scale, axis=2).repeat(scale, axis=3)
    padded = np.pad(images, ((0, 0), (0, 0), (0, 1), (0, 1)), constant_values=255)
    return np.concatenate(list(padded.transpose(0, 2, 3, 1)), axis=1)


def _label(effects: Effects, code: int) -> str:
    best = int(effects.first[code].argmax())
    share = effects.first[code, best]
    controls = f"{effects.attributes[best]} {share:.2f}" if effects.live[code] else "no attribute"
    return f"{effects.codes[code]}: {controls}"


def _colour(share: float) -> NDArray[np.uint8]:
    return (PALE + (DARK - PALE) * min(max(share, 0.0), 1.0)).astype(np.uint8)


def _cut(name: str) -> str:
    """A name that fits the width of a cell."""
    return name if _text_width([name]) <= CELL[0] - 4 else f"{name[:8]}\u2026"


def _text_width(texts: Sequence[str]) -> int:
    from PIL import ImageFont

    font = ImageFont.load_default(TEXT)
    return round(max(font.getlength(text) for text in texts))


def _written(
    sheet: Pixels, dark: Sequence[tuple[int, int, str]], light: Sequence[tuple[int, int, str]] = ()
) -> "Image":
    """The sheet with texts at (x, y), black and white."""
    from PIL import Image, ImageDraw, ImageFont

    image = Image.fromarray(sheet)
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(TEXT)
    for texts, colour in ((dark, "black"), (light, "white")):
        for x, y, text in texts:
            draw.text((x, y), text, fill=colour, font=font)
    return image


def _png(image: "Image") -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()
