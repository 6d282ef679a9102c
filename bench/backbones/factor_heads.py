"""The last layer of a factor probe: how the outputs of a network state the value of a factor, by kind of factor."""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F

from bench.api import Factor

Outputs = Float[Tensor, "n d"]  # of the network, for one factor
Values = Float[Tensor, "n"]  # of the factor
Losses = Float[Tensor, "n"]


@dataclass(frozen=True)
class Head(ABC):
    """Reads one factor off its columns of the outputs. Losses are about 1 for an output that knows nothing."""

    factor: Factor

    @property
    @abstractmethod
    def width(self) -> int:
        """Columns of the outputs and of the readings."""

    @abstractmethod
    def losses(self, outputs: Outputs, values: Values) -> Losses:
        """The loss of each image."""

    @abstractmethod
    def read(self, outputs: Outputs) -> Outputs:
        """What the outputs say, in the units of the factor."""

    @abstractmethod
    def score(self, readings: Outputs, values: Values) -> float:
        """How well the readings follow the true values, at most 1."""

    def weights(self, values: Values) -> Values:
        """The weight of each training image, 1 on average."""
        return torch.ones_like(values)

    @property
    def span(self) -> float:
        return self.factor.high - self.factor.low or 1.0


class CategoricalHead(Head):
    """A column a value: logits, read as probabilities. All values weigh the same, however rare they are."""

    @property
    def width(self) -> int:
        return self.factor.count or round(self.span) + 1

    def index(self, values: Values) -> Int[Tensor, "n"]:
        """The number of each value, from 0."""
        return ((values - self.factor.low) / self.span * (self.width - 1)).round().long()

    def losses(self, outputs: Outputs, values: Values) -> Losses:
        return F.cross_entropy(outputs, self.index(values), reduction="none") / math.log(max(2, self.width))

    def read(self, outputs: Outputs) -> Outputs:
        return outputs.softmax(dim=1)

    def score(self, readings: Outputs, values: Values) -> float:
        """Balanced accuracy: the share of right answers, averaged over the values that occur."""
        index = self.index(values)
        right = (readings.argmax(dim=1) == index).double()
        counts = index.bincount(minlength=self.width)
        rights = torch.zeros(self.width, dtype=torch.float64).index_add_(0, index, right)
        return float((rights / counts)[counts > 0].mean())

    def weights(self, values: Values) -> Values:
        counts = self.index(values).bincount(minlength=self.width).float()
        return (len(values) / (counts > 0).sum() / counts)[self.index(values)]


class LinearHead(Head):
    """One column: the value itself."""

    @property
    def width(self) -> int:
        return 1

    @property
    def middle(self) -> float:
        return (self.factor.low + self.factor.high) / 2

    @property
    def deviation(self) -> float:
        return self.span / math.sqrt(12)  # of values that are uniform between low and high

    def losses(self, outputs: Outputs, values: Values) -> Losses:
        return (outputs[:, 0] - (values - self.middle) / self.deviation).square()

    def read(self, outputs: Outputs) -> Outputs:
        return self.middle + self.deviation * outputs

    def score(self, readings: Outputs, values: Values) -> float:
        """R2, the explained share of the variance; 0 for a constant factor."""
        values = values.double()
        variance = float(values.var(correction=0))
        return 1 - float((readings[:, 0] - values).square().mean()) / variance if variance else 0.0


class CircularHead(Head):
    """Two columns: the cosine and the sine of the angle, one turn from low to high."""

    @property
    def width(self) -> int:
        return 2

    def point(self, values: Values) -> Outputs:
        """Cosine and sine of each value, (n, 2)."""
        angle = (values - self.factor.low) * (2 * math.pi / self.span)
        return torch.stack([angle.cos(), angle.sin()], dim=1)

    def losses(self, outputs: Outputs, values: Values) -> Losses:
        return (outputs - self.point(values)).square().sum(dim=1)

    def read(self, outputs: Outputs) -> Outputs:
        return F.normalize(outputs, dim=1)

    def score(self, readings: Outputs, values: Values) -> float:
        """The mean cosine of the error: the mean resultant length, unless all angles are off by the same amount."""
        return float((readings * self.point(values)).sum(dim=1).mean())


HEADS: dict[str, type[Head]] = {"categorical": CategoricalHead, "linear": LinearHead, "circular": CircularHead}
