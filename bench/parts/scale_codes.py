"""Codes of known priors, each tied to a scale of a style generator: "4: 2, 8: 2, 16: 1 + circle, 32: 3-way"."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from bench.api import Code, Codes
from bench.errors import BenchError

GRAMMAR = '"SCALE: CODES" separated by commas, for example "4: 2, 8: 1 + circle, 16: 3-way"'


@dataclass(frozen=True)
class ScaleCode:
    """One code, independent of all others: uniform on [-1, 1], a point of the circle, or a one-hot value."""

    name: str  # the scale and a letter
    kind: Literal["continuous", "circular", "categorical"]
    scale: int  # pixels of the maps whose style it enters
    columns: tuple[int, ...]

    @property
    def variance(self) -> float:
        """The sum of the variances of its columns under its prior."""
        return {"continuous": 1 / 3, "circular": 1.0}.get(self.kind, 1 - 1 / len(self.columns))

    def draw(self, n: int, rng: torch.Generator) -> Codes:
        """n values from the prior, (n, width)."""
        width, device = len(self.columns), rng.device
        if self.kind == "categorical":
            return F.one_hot(torch.randint(width, (n,), generator=rng, device=device), width).float()
        uniform = 2 * torch.rand(n, 1, generator=rng, device=device) - 1
        if self.kind == "continuous":
            return uniform
        return torch.cat([(math.pi * uniform).cos(), (math.pi * uniform).sin()], 1)


def parse_codes(text: str) -> tuple[ScaleCode, ...]:
    """The codes that a setting describes: `GRAMMAR`.

    A number is that many continuous codes, `circle` a circular one, `K-way` a categorical one of K values. Raises
    ValueError for anything else, for a scale that is named twice and for a categorical code of one value.
    """
    found: list[ScaleCode] = []
    scales: list[int] = []
    column = 0
    for part in text.split(","):
        scale, terms = _scale_and_terms(part)
        if scale in scales:
            raise ValueError(f"codes: scale {scale} is given twice in {text!r}")
        scales.append(scale)
        for letter, (kind, width) in enumerate(kinds for term in terms for kinds in _codes_of(term)):
            name = f"{scale}{_letter(letter)}"
            found.append(ScaleCode(name, kind, scale, tuple(range(column, column + width))))
            column += width
    return tuple(found)


def layout_of(codes: Sequence[ScaleCode]) -> tuple[Code, ...]:
    """As the host knows them."""
    return tuple(Code(code.name, code.kind, code.columns) for code in codes)


def draw_codes(codes: Sequence[ScaleCode], n: int, rng: torch.Generator) -> Codes:
    """n rows of all codes from their priors, (n, d)."""
    return torch.cat([code.draw(n, rng) for code in codes], 1)


def columns_by_scale(codes: Sequence[ScaleCode], scales: Sequence[int], most: int) -> list[list[int]]:
    """For each scale, in pixels, the columns of its codes.

    Raises `BenchError` if a code belongs to another scale, or if a scale has more than `most` columns.
    """
    for code in codes:
        if code.scale not in scales:
            near = min(scales, key=lambda scale: abs(scale - code.scale))
            known = ", ".join(str(scale) for scale in scales)
            raise BenchError(f"codes: expected scales among {known}, got {code.scale}; the nearest is {near}")
    found = [[column for code in codes if code.scale == scale for column in code.columns] for scale in scales]
    for scale, columns in zip(scales, found, strict=True):
        if len(columns) > most:
            raise BenchError(
                f"codes: expected at most {most} columns at scale {scale}, as wide as its mapping, got {len(columns)}"
            )
    return found


def values_of(codes: Tensor, code: ScaleCode) -> Tensor:
    """The columns of one code, (n, width)."""
    return codes[:, code.columns[0] : code.columns[-1] + 1]


def _scale_and_terms(part: str) -> tuple[int, list[str]]:
    scale, colon, terms = part.partition(":")
    if not colon or not scale.strip().isdecimal() or not int(scale):
        raise ValueError(f"codes: expected {GRAMMAR}, got {part.strip()!r}")
    return int(scale), [term.strip() for term in terms.split("+")]


def _codes_of(term: str) -> list[tuple[Literal["continuous", "circular", "categorical"], int]]:
    """Kind and width of each code of a term."""
    if re.fullmatch("[1-9][0-9]{0,2}", term):
        return [("continuous", 1)] * int(term)
    if term == "circle":
        return [("circular", 2)]
    values = re.fullmatch("([0-9]{1,3})-way", term)
    if values is None:
        raise ValueError(f"codes: expected a number from 1 to 999, circle or K-way, got {term!r}")
    if int(values[1]) < 2:
        raise ValueError(f"codes: expected at least 2 values of a categorical code, got {term!r}")
    return [("categorical", int(values[1]))]


def _letter(index: int) -> str:
    """a, b, ..., z, then 27, 28, ..."""
    return chr(ord("a") + index) if index < 26 else f"-{index + 1}"
