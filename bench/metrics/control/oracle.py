"""An oracle reads attributes off images: neither the guide nor the method's own encoder may say what an image shows."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from bench.api import Pixels

Readings = NDArray[np.float32]  # (n, columns)
Values = NDArray[np.float64]  # (n, attributes)
Kind = Literal["categorical", "linear", "circular"]


@dataclass(frozen=True)
class Attribute:
    """One attribute of an image, and the columns of the readings that hold it.

    A linear attribute has one column, a circular one the cosine and the sine of its angle, and a categorical one the
    probability of each of its values.
    """

    name: str
    kind: Kind
    columns: tuple[int, ...]
    span: float = 1.0  # between the lowest and the highest value that images can have


class Oracle(ABC):
    """Reads attributes off images."""

    name: str  # as in the protocol of a metric: factors, morphology, attributes
    digest: str  # of all that decides the readings
    attributes: tuple[Attribute, ...]
    left_out: Mapping[str, str]  # attributes that cannot be read reliably, and why

    @abstractmethod
    def read(self, pixels: Pixels, device: torch.device | str = "cpu") -> Readings:
        """The readings of images uint8 (n, c, h, w) of any number, float32 (n, columns)."""


def values(readings: Readings, attributes: Sequence[Attribute]) -> Values:
    """One number for each attribute, (n, attributes): the most likely value, the value, or the angle in turns [0, 1)."""
    columns = [
        _value(readings[:, list(attribute.columns)].astype(np.float64), attribute.kind) for attribute in attributes
    ]
    return np.stack(columns, axis=1)


def _value(readings: Values, kind: Kind) -> NDArray[np.float64]:
    if kind == "categorical":
        return readings.argmax(axis=1).astype(np.float64)
    if kind == "circular":
        return np.arctan2(readings[:, 1], readings[:, 0]) / (2 * np.pi) % 1.0
    return readings[:, 0]
