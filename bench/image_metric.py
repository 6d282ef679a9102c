"""Metrics that third parties provide: what they are given, and what they return."""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch

from bench.api import Data, Labels, Logits, Pixels, Spec


@dataclass(frozen=True, eq=False)
class ScoredImages:
    """The samples of one method, and the real images to compare them with. Nothing here says which method it is."""

    samples: Pixels  # uint8 (n, c, h, w)
    labels: Labels | None  # the classes that the samples were drawn for; None if they were not drawn for classes
    reference: Data  # training images
    test: Data  # held-out images, as many as samples if there are enough
    rng: torch.Generator  # on the CPU, with the seed of the job
    device: torch.device  # for networks of the metric
    judge: Callable[[Pixels], Logits] | None  # the judge's logits (n, k) on the CPU; None unless `needs_judge`

    @property
    def spec(self) -> Spec:
        return self.reference.spec


class ImageMetric(ABC):
    """A measure of images. It is built without arguments in each process that needs it.

    Its value may depend on what `ScoredImages` holds, and on nothing else.
    """

    source: ClassVar[str]  # the paper, e.g. "arXiv 2003.01826"
    about: ClassVar[str]  # what it measures, in one line
    better: ClassVar[Literal["lower", "higher"] | None] = None
    unit: ClassVar[str] = ""
    low: ClassVar[float] = -math.inf  # no value lies below it
    high: ClassVar[float] = math.inf  # no value lies above it
    version: ClassVar[int] = 1  # raise it when the same images would score another number
    needs_labels: ClassVar[bool] = False  # True: measured of samples that were drawn for classes only
    needs_judge: ClassVar[bool] = False  # True: measured on data sets with classes only

    @classmethod
    def not_for(cls, spec: Spec) -> str:
        """Why images of this format cannot be measured, as text; "" if they can. The reason is shown on the board."""
        return ""

    @abstractmethod
    def measure(self, images: ScoredImages) -> float:
        """The value, finite. Raises `BenchError` with a sentence for the user if it cannot be measured."""
