"""Faces in the style "Personas by Draftbit": DiceBear composes the parts as SVG, resvg turns the SVG into pixels."""

import colorsys
import io
import json
import math
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.errors import BenchError

PARTS = {
    "hair": ("bobCut", "straightBun", "curly", "curlyHighTop", "extraLong", "pigtails", "shortCombover", "sideShave"),
    "eyes": ("open", "happy", "sleep", "wink", "glasses", "sunglasses"),
    "mouth": ("smile", "bigSmile", "frown", "lips", "surprise"),
    "facialHair": ("", "goatee", "pyramid", "walrus"),  # "": none
    "clothes": ("rounded", "checkered", "small"),
}
WAIST = {"rounded": (11, 53), "checkered": (14, 50), "small": (21, 43)}  # ends of the lower edge of the clothes
MODULES = ("dicebear", "dicebear_styles", "resvg_py")
DISTRIBUTIONS = ("dicebear-core", "dicebear-styles", "resvg-py")
INSTALL = 'pip install "classifier-bench[faces]"'
CANVAS = 64  # units of the style, both ways
HEAD = (32.0, 30.0)  # the centre of the head: what is placed, turned and scaled
LIGHT_SKIN, DARK_SKIN = (0xEE, 0xB4, 0xA4), (0x62, 0x3D, 0x36)  # the ends of the style's palette
HAIR, CLOTHES = (0.75, 0.9), (0.65, 0.8)  # saturation and value
# Colours that occur nowhere in the style, each replaced by that of an image.
HAIR_MARK, CLOTHES_MARK, SKIN_MARK, SHADE_MARK = "#010203", "#010204", "#010205", "#010206"


def installed() -> bool:
    """Whether the packages of the extra `faces` are there. Imports none of them."""
    return all(find_spec(module) is not None for module in MODULES)


def versions() -> str:
    """The packages that decide the pixels, with their versions. Raises `BenchError` if they are not installed."""
    if not installed():
        raise BenchError(f"data set 'faces' needs packages that are not installed: {INSTALL}")
    return " ".join(f"{name}=={version(name)}" for name in DISTRIBUTIONS)


def draw(parts: dict[str, str], values: dict[str, float], size: int) -> NDArray[np.uint8]:
    """One face, uint8 (3, size, size).

    `parts` names the variant of each of `PARTS`. `values` has hair-hue, clothes-hue (in turns), skin (0 light to 1
    dark), shade (of the background, 0 black to 1 white), rotation (radians, clockwise, about the centre of the head),
    scale (of the canvas, in image sides), x and y (the centre of the head, in image sides).
    """
    from PIL import Image
    from resvg_py import svg_to_bytes

    svg = _template(tuple(sorted(parts.items())))
    for mark, colour in _colours(values).items():
        svg = svg.replace(mark, colour)
    svg = svg.replace(_PLACE_MARK, _place(values))
    png = svg_to_bytes(svg, width=size, height=size, skip_system_fonts=True)
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).transpose(2, 0, 1)


def _colours(values: dict[str, float]) -> dict[str, str]:
    skin = [light + (dark - light) * values["skin"] for light, dark in zip(LIGHT_SKIN, DARK_SKIN, strict=True)]
    return {
        HAIR_MARK: _hex(_hue(values["hair-hue"], *HAIR)),
        CLOTHES_MARK: _hex(_hue(values["clothes-hue"], *CLOTHES)),
        SKIN_MARK: _hex(skin),
        SHADE_MARK: _hex([255 * values["shade"]] * 3),
    }


def _hue(turns: float, saturation: float, value: float) -> list[float]:
    return [255 * channel for channel in colorsys.hsv_to_rgb(turns % 1.0, saturation, value)]


def _hex(rgb: list[float]) -> str:
    return "#" + "".join(f"{round(channel):02x}" for channel in rgb)


def _place(values: dict[str, float]) -> str:
    x, y, turn = values["x"] * CANVAS, values["y"] * CANVAS, math.degrees(values["rotation"])
    return (
        f"translate({x:.4f} {y:.4f}) rotate({turn:.4f}) scale({values['scale']:.5f}) translate({-HEAD[0]} {-HEAD[1]})"
    )


_PLACE_MARK = "translate(0.12345)"


@cache
def _template(parts: tuple[tuple[str, str], ...]) -> str:
    """The SVG of a combination of parts, with marks in place of colours and of the position.

    DiceBear's clip path is the image itself, so it is left out: the pixels are the same in half the time. The
    clothes end at the lower edge of the canvas; a strip of their colour continues them.
    """
    from dicebear import Avatar

    svg = Avatar(_style(), _options(dict(parts))).to_string()
    head, background, body = svg.partition(f'<rect width="{CANVAS}" height="{CANVAS}" fill="{SHADE_MARK}"/>')
    opening, clip, _ = head.rpartition("<g clip-path=")
    if not (background and clip and body.endswith("</g></svg>")):
        raise BenchError(f"expected the SVG of a supported version of DiceBear, got that of {versions()}: {INSTALL}")
    left, right = WAIST[dict(parts)["clothes"]]
    strip = f'<rect x="{left}" y="{CANVAS - 0.5}" width="{right - left}" height="{CANVAS}" fill="{CLOTHES_MARK}"/>'
    return f'{opening}<g>{background}<g transform="{_PLACE_MARK}">{strip}{body.removesuffix("</svg>")}</g></svg>'


@cache
def _style() -> Any:
    from dicebear import Style

    return Style(json.loads((files("dicebear_styles") / "personas.json").read_text(encoding="utf-8")))


def _options(parts: dict[str, str]) -> dict[str, Any]:
    """Every choice is made here: nothing is left to DiceBear's random numbers."""
    beard = parts.pop("facialHair")
    fixed = {"seed": "", "noseVariant": ["mediumRound"], "facialHairProbability": 100 if beard else 0}
    fixed |= {"facialHairVariant": [beard]} if beard else {}
    colours = {"hair": HAIR_MARK, "facialHair": HAIR_MARK, "clothing": CLOTHES_MARK, "skin": SKIN_MARK}
    colours["background"] = SHADE_MARK
    return (
        fixed
        | {f"{part}Variant": [variant] for part, variant in parts.items()}
        | {f"{name}Color": [colour] for name, colour in colours.items()}
    )
