"""`judge` and `judge2`: the last hidden layer of a judge."""

from functools import cached_property

import torch
from torch import Tensor

from bench.api import Classifier, Pixels
from bench.metrics.features.base import FeatureSpace
from bench.metrics.precision import full_precision


class JudgeSpace(FeatureSpace):
    """A judge's pre-logits; comparable only under the same judge."""

    def __init__(self, name: str, judge: Classifier, digest: str) -> None:
        self.name, self._judge, self.digest = name, judge, digest

    @cached_property
    def dim(self) -> int:  # type: ignore[override]
        device = next((p.device for p in self._judge.parameters()), torch.device("cpu"))
        with full_precision(device):
            blank = torch.zeros((2, *self._judge.spec.shape), device=device)
            return self._judge.features(blank)[-1].shape[1]

    def embed(self, pixels: Pixels, device: torch.device) -> Tensor:
        return self._judge.features(pixels.float() / 255)[-1]
