"""Pictures with words on them, and how they become PNG files."""

import io
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from bench.util.atomic import write_atomic
from bench.util.failure import explain

if TYPE_CHECKING:
    from PIL.Image import Image

Value = TypeVar("Value")
TEXT = 12  # pixels
Canvas = NDArray[np.uint8]  # (h, w, 3)
Text = tuple[int, int, str]  # x and y of its upper left corner in pixels, and the words
logger = logging.getLogger("bench")


def blank(height: int, width: int) -> Canvas:
    """White, (height, width, 3)."""
    return np.full((height, width, 3), 255, np.uint8)


def text_width(texts: Sequence[str]) -> int:
    """Pixels of the longest of these texts."""
    from PIL import ImageFont

    font = ImageFont.load_default(TEXT)
    return round(max(font.getlength(text) for text in texts))


def written(canvas: Canvas, dark: Sequence[Text], light: Sequence[Text] = ()) -> "Image":
    """The canvas with texts in black and in white."""
    from PIL import Image, ImageDraw, ImageFont

    image = Image.fromarray(canvas)
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(TEXT)
    for texts, colour in ((dark, "black"), (light, "white")):
        for x, y, text in texts:
            draw.text((x, y), text, fill=colour, font=font)
    return image


def save_picture(path: Path, draw: "Callable[[], Image | None]") -> None:
    """Write what `draw` returns as PNG, in one step, and nothing if it returns None or cannot be drawn (see `attempt`).

    Raises `OSError` if it cannot be written.
    """

    def payload() -> bytes | None:
        image = draw()
        return None if image is None else png(image)

    if drawn := attempt(path.name, payload):
        write_atomic(path, drawn)


def attempt(name: str, draw: Callable[[], Value | None]) -> Value | None:
    """What `draw` returns. No number depends on it: if it cannot be drawn, the log says why, and there is None."""
    try:
        return draw()
    except Exception as error:
        logger.warning("%s was not drawn: %s", name, explain(error))
        return None


def png(image: "Image") -> bytes:
    """The bytes of a PNG file."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()
